//! The same small configuration, written by hand in each language, reads the same.

use crate::support::compare::{Order, assert_aso_subset, assert_equivalent, differences};
use crate::support::{Files, arm, aso, bicep};
use crate::{files, refused};

const ARM: &str = r#"{
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
  "contentVersion": "1.0.0.0",
  "parameters": {
    "apimServiceName": {"type": "string"},
    "key": {"type": "secureString"}
  },
  "resources": [
    {
      "type": "Microsoft.ApiManagement/service/namedValues",
      "apiVersion": "2024-05-01",
      "name": "[format('{0}/{1}', parameters('apimServiceName'), 'key')]",
      "properties": {"displayName": "key", "secret": true, "value": "[parameters('key')]"}
    },
    {
      "type": "Microsoft.ApiManagement/service/apiVersionSets",
      "apiVersion": "2024-05-01",
      "name": "[format('{0}/{1}', parameters('apimServiceName'), 'orders')]",
      "properties": {"displayName": "[[Orders]", "versioningScheme": "Segment"}
    },
    {
      "type": "Microsoft.ApiManagement/service/apis",
      "apiVersion": "2024-05-01",
      "name": "[format('{0}/{1}', parameters('apimServiceName'), 'orders')]",
      "properties": {
        "path": "orders",
        "apiVersionSetId": "[resourceId('Microsoft.ApiManagement/service/apiVersionSets', parameters('apimServiceName'), 'orders')]"
      },
      "dependsOn": ["[resourceId('Microsoft.ApiManagement/service/apiVersionSets', parameters('apimServiceName'), 'orders')]"]
    },
    {
      "type": "Microsoft.ApiManagement/service/apis/policies",
      "apiVersion": "2024-05-01",
      "name": "[format('{0}/{1}/{2}', parameters('apimServiceName'), 'orders', 'policy')]",
      "properties": {"format": "rawxml", "value": "<p>it's ${x}\r\n</p>"},
      "dependsOn": [
        "[resourceId('Microsoft.ApiManagement/service/apis', parameters('apimServiceName'), 'orders')]",
        "[resourceId('Microsoft.ApiManagement/service/namedValues', parameters('apimServiceName'), 'key')]"
      ]
    }
  ]
}"#;
const ARM_PARAMETERS: &str = r#"{
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#",
  "contentVersion": "1.0.0.0",
  "parameters": {"apimServiceName": {"value": "contoso"}}
}"#;
const BICEP: &str = r"param apimServiceName string

@secure()
param key string

resource service 'Microsoft.ApiManagement/service@2024-05-01' existing = {
  name: apimServiceName
}

resource keyValue 'Microsoft.ApiManagement/service/namedValues@2024-05-01' = {
  parent: service
  name: 'key'
  properties: {
    displayName: 'key'
    secret: true
    value: key
  }
}

resource versions 'Microsoft.ApiManagement/service/apiVersionSets@2024-05-01' = {
  parent: service
  name: 'orders'
  properties: {
    displayName: '[Orders]'
    versioningScheme: 'Segment'
  }
}

resource api 'Microsoft.ApiManagement/service/apis@2024-05-01' = {
  parent: service
  name: 'orders'
  properties: {
    path: 'orders'
    apiVersionSetId: versions.id
  }
}

resource policy 'Microsoft.ApiManagement/service/apis/policies@2024-05-01' = {
  parent: api
  name: 'policy'
  properties: {
    format: 'rawxml'
    value: loadTextContent('content/orders.xml')
  }
  dependsOn: [
    keyValue
  ]
}
";
const BICEP_PARAMETERS: &str = "\
using './main.bicep'

param apimServiceName = 'contoso'
param key = readEnvironmentVariable('APIM_KEY')
";
const ASO: &str = r#"apiVersion: apimanagement.azure.com/v20240501
kind: ApiVersionSet
metadata:
  name: orders
  annotations: &note
    kustomize.toolkit.fluxcd.io/substitute: disabled
spec:
  owner:
    name: contoso
  displayName: "[Orders]"
  versioningScheme: Segment
---
apiVersion: apimanagement.azure.com/v20240501
kind: Api
metadata:
  name: orders
  annotations:
    kustomize.toolkit.fluxcd.io/substitute: disabled
spec:
  owner:
    name: contoso
  path: orders
  apiVersionSetReference:
    group: apimanagement.azure.com
    kind: ApiVersionSet
    name: orders
---
apiVersion: apimanagement.azure.com/v20240501
kind: ApiPolicy
metadata:
  name: orders
  annotations:
    kustomize.toolkit.fluxcd.io/substitute: disabled
spec:
  owner:
    name: orders
  format: rawxml
  value: "<p>it's ${x}\r\n</p>"
"#;

fn bundle(aso: &str) -> Files {
    files(&[
        ("arm/main.json", ARM),
        ("arm/parameters.json", ARM_PARAMETERS),
        ("bicep/main.bicep", BICEP),
        ("bicep/main.bicepparam", BICEP_PARAMETERS),
        ("bicep/content/orders.xml", "<p>it's ${x}\r\n</p>"),
        (
            "aso/kustomization.yaml",
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - all.yaml\n",
        ),
        ("aso/all.yaml", aso),
    ])
}

#[test]
fn one_configuration_in_three_languages() {
    let bundle_files = bundle(&ASO.replace(" &note", ""));
    let arm = arm::read(&bundle_files).unwrap();
    let (bicep, lints) = bicep::read_with_lints(&bundle_files).unwrap();
    assert_eq!(lints, [""; 0]);
    assert_equivalent(&arm, &bicep);
    let aso = aso::read(&bundle_files).unwrap();
    assert_aso_subset(&arm, &aso, &["Microsoft.ApiManagement/service/namedValues"]);
    refused(aso::read(&bundle(ASO)), "anchors");
}

#[test]
fn one_changed_file_is_noticed() {
    let mut files = bundle(ASO);
    let arm = arm::read(&files).unwrap();
    files.insert(
        "bicep/content/orders.xml".into(),
        "<p>it's ${x}\n</p>".into(),
    );
    let found = differences(&arm, &bicep::read(&files).unwrap(), Order::Same).unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    files.insert(
        "bicep/main.bicep".into(),
        BICEP.replace("  dependsOn: [\n    keyValue\n  ]\n", ""),
    );
    let found = differences(&arm, &bicep::read(&files).unwrap(), Order::Same).unwrap();
    assert_eq!(found.len(), 2, "{found:?}");
}
