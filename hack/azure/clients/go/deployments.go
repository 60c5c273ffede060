package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armdeploymentstacks"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources"
)

const resourceGroup = "simulated"

// template deploys tags of these names.
func template(names ...string) map[string]any {
	resources := []any{}
	for _, name := range names {
		resources = append(resources, map[string]any{
			"type": "Microsoft.ApiManagement/service/tags", "apiVersion": "2024-05-01", "name": "simulated/" + name,
			"properties": map[string]any{"displayName": name},
		})
	}
	return map[string]any{
		"$schema":        "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
		"contentVersion": "1.0.0.0", "resources": resources,
	}
}

// deployment validates a template, asks what it would change, deploys it and reads it back.
func deployment(credential azcore.TokenCredential, options *arm.ClientOptions) error {
	client, err := armresources.NewDeploymentsClient(subscription, credential, options)
	if err != nil {
		return err
	}
	ctx := context.Background()
	mode := to.Ptr(armresources.DeploymentModeIncremental)
	asked := armresources.Deployment{Properties: &armresources.DeploymentProperties{Mode: mode, Template: template("one", "two")}}
	validation, err := client.BeginValidate(ctx, resourceGroup, "clients", asked, nil)
	if err != nil {
		return fmt.Errorf("validate: %w", err)
	}
	if _, err := validation.PollUntilDone(ctx, nil); err != nil {
		return fmt.Errorf("validate: %w", err)
	}
	changes := func() ([]string, error) {
		whatIf, err := client.BeginWhatIf(ctx, resourceGroup, "clients", armresources.DeploymentWhatIf{
			Properties: &armresources.DeploymentWhatIfProperties{Mode: mode, Template: template("one", "two")}}, nil)
		if err != nil {
			return nil, err
		}
		result, err := whatIf.PollUntilDone(ctx, nil)
		if err != nil {
			return nil, err
		}
		var found []string
		for _, change := range result.Properties.Changes {
			found = append(found, string(*change.ChangeType))
		}
		return found, nil
	}
	before, err := changes()
	if err != nil || !slices.Equal(before, []string{"Create", "Create", "Ignore"}) {
		return fmt.Errorf("what-if before: %v: %v", before, err)
	}
	deployed, err := client.BeginCreateOrUpdate(ctx, resourceGroup, "clients", asked, nil)
	if err != nil {
		return fmt.Errorf("deploy: %w", err)
	}
	ended, err := deployed.PollUntilDone(ctx, nil)
	if err != nil || *ended.Properties.ProvisioningState != armresources.ProvisioningStateSucceeded {
		return fmt.Errorf("deploy: %v: %v", ended.Properties, err)
	}
	after, err := changes()
	if err != nil || !slices.Equal(after, []string{"NoChange", "NoChange", "Ignore"}) {
		return fmt.Errorf("what-if after: %v: %v", after, err)
	}
	operations, err := armresources.NewDeploymentOperationsClient(subscription, credential, options)
	if err != nil {
		return err
	}
	count := 0
	for pager := operations.NewListPager(resourceGroup, "clients", nil); pager.More(); {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("operations: %w", err)
		}
		count += len(page.Value)
	}
	if count != 2 {
		return fmt.Errorf("%d operations of the deployment, 2 resources were deployed", count)
	}
	return nil
}

// stack makes a stack, updates it and deletes it with what it manages.
func stack(credential azcore.TokenCredential, options *arm.ClientOptions) error {
	client, err := armdeploymentstacks.NewClient(subscription, credential, options)
	if err != nil {
		return err
	}
	ctx := context.Background()
	asked := func(names ...string) armdeploymentstacks.DeploymentStack {
		return armdeploymentstacks.DeploymentStack{Properties: &armdeploymentstacks.DeploymentStackProperties{
			Template:         template(names...),
			ActionOnUnmanage: &armdeploymentstacks.ActionOnUnmanage{Resources: to.Ptr(armdeploymentstacks.DeploymentStacksDeleteDetachEnumDelete)},
			DenySettings:     &armdeploymentstacks.DenySettings{Mode: to.Ptr(armdeploymentstacks.DenySettingsModeDenyDelete)},
		}}
	}
	validation, err := client.BeginValidateStackAtResourceGroup(ctx, resourceGroup, "clients", asked("three", "four"), nil)
	if err != nil {
		return fmt.Errorf("validate: %w", err)
	}
	validated, err := validation.PollUntilDone(ctx, nil)
	if err != nil || len(validated.Properties.ValidatedResources) != 2 {
		return fmt.Errorf("validate: %v: %v", validated.Properties, err)
	}
	for _, names := range [][]string{{"three", "four"}, {"three"}} {
		update, err := client.BeginCreateOrUpdateAtResourceGroup(ctx, resourceGroup, "clients", asked(names...), nil)
		if err != nil {
			return fmt.Errorf("update to %v: %w", names, err)
		}
		made, err := update.PollUntilDone(ctx, nil)
		if err != nil {
			return fmt.Errorf("update to %v: %w", names, err)
		}
		if *made.Properties.ProvisioningState != armdeploymentstacks.DeploymentStackProvisioningStateSucceeded || len(made.Properties.Resources) != len(names) {
			return fmt.Errorf("update to %v: %s with %d resources", names, *made.Properties.ProvisioningState, len(made.Properties.Resources))
		}
	}
	got, err := client.GetAtResourceGroup(ctx, resourceGroup, "clients", nil)
	if err != nil || len(got.Properties.DeletedResources) != 1 {
		return fmt.Errorf("get: %v: %v", got.Properties, err)
	}
	if _, err := client.ExportTemplateAtResourceGroup(ctx, resourceGroup, "clients", nil); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	count := 0
	for pager := client.NewListAtResourceGroupPager(resourceGroup, nil); pager.More(); {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list: %w", err)
		}
		count += len(page.Value)
	}
	if count != 1 {
		return fmt.Errorf("%d stacks are listed, 1 is there", count)
	}
	gone, err := client.BeginDeleteAtResourceGroup(ctx, resourceGroup, "clients", &armdeploymentstacks.ClientBeginDeleteAtResourceGroupOptions{
		UnmanageActionResources: to.Ptr(armdeploymentstacks.UnmanageActionResourceModeDelete)})
	if err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	_, err = gone.PollUntilDone(ctx, nil)
	return err
}
