// Drives the simulation with Microsoft's Go SDK: every operation of the kinds in plan.json
// is called, creations first and deletions last. Prints one line for each.
//
// usage: clients ADDRESS PLAN TABLE RESULTS
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"sort"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/apimanagement/armapimanagement/v3"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources"
)

const (
	subscription = "00000000-0000-0000-0000-000000000000"
	tenant       = "11111111-1111-1111-1111-111111111111"
	notSimulated = "not simulated"
	service      = "/providers/Microsoft.ApiManagement/service/{serviceName}/"
	workspace    = "workspaces/{workspaceId}/"
)

type operation struct {
	Name   string `json:"name"`
	Method string `json:"method"`
	Path   string `json:"path"`
	// Below the service, without the workspace.
	below string
}

type plan struct {
	Values    map[string]string          `json:"values"`
	Create    [][]json.RawMessage        `json:"create"`
	Update    map[string]json.RawMessage `json:"update"`
	Send      map[string]json.RawMessage `json:"send"`
	Further   map[string][]string        `json:"further"`
	Options   map[string]json.RawMessage `json:"options"`
	AlsoViews []string                   `json:"alsoViews"`
}

// credential asks the local Entra ID for a token.
type credential struct{ address string }

func (c credential) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"clients"}, "client_secret": {"any"},
		"scope": {strings.Join(options.Scopes, " ")}}
	response, err := http.PostForm(c.address+"/"+tenant+"/oauth2/v2.0/token", form)
	if err != nil {
		return azcore.AccessToken{}, err
	}
	defer response.Body.Close()
	var token struct {
		Token   string `json:"access_token"`
		Expires int64  `json:"expires_in"`
	}
	if err := json.NewDecoder(response.Body).Decode(&token); err != nil {
		return azcore.AccessToken{}, err
	}
	return azcore.AccessToken{Token: token.Token, ExpiresOn: time.Now().Add(time.Duration(token.Expires) * time.Second)}, nil
}

func main() {
	if err := run(os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "clients:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) != 5 {
		return errors.New("usage: clients ADDRESS PLAN TABLE RESULTS")
	}
	var steps plan
	if err := read(arguments[2], &steps); err != nil {
		return err
	}
	var table struct {
		Operations []operation `json:"operations"`
	}
	if err := read(arguments[3], &table); err != nil {
		return err
	}
	options := &arm.ClientOptions{
		ClientOptions: policy.ClientOptions{
			Cloud: cloud.Configuration{
				ActiveDirectoryAuthorityHost: arguments[1],
				Services: map[cloud.ServiceName]cloud.ServiceConfiguration{
					cloud.ResourceManager: {Audience: "https://management.azure.com", Endpoint: arguments[1]},
				},
			},
			InsecureAllowCredentialWithHTTP: true,
			Retry:                           policy.RetryOptions{MaxRetries: -1},
		},
		DisableRPRegistration: true,
	}
	factory, err := armapimanagement.NewClientFactory(subscription, credential{arguments[1]}, options)
	if err != nil {
		return err
	}
	for name, drive := range map[string]func(azcore.TokenCredential, *arm.ClientOptions) error{
		"resource groups": group, "deployments": deployment, "deployment stacks": stack,
	} {
		if err := drive(credential{arguments[1]}, options); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	driver := driver{factory: reflect.ValueOf(factory), plan: steps, results: map[string]string{}}
	driver.all(table.Operations)
	failed, missing := 0, 0
	names := make([]string, 0, len(driver.results))
	for name := range driver.results {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		switch driver.results[name] {
		case "ok":
		case notSimulated:
			missing++
			fmt.Printf("%s: %s\n", name, notSimulated)
		default:
			failed++
			fmt.Printf("%s: %s\n", name, driver.results[name])
		}
	}
	out, err := json.MarshalIndent(driver.results, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(arguments[4], append(out, '\n'), 0o644); err != nil {
		return err
	}
	fmt.Printf("Go SDK: %d operations called, %d not simulated, %d failed\n", len(names), missing, failed)
	if failed > 0 {
		return fmt.Errorf("%d operations failed", failed)
	}
	return nil
}

// group makes, reads, lists and deletes a resource group with the SDK of Resource Manager.
func group(credential azcore.TokenCredential, options *arm.ClientOptions) error {
	client, err := armresources.NewResourceGroupsClient(subscription, credential, options)
	if err != nil {
		return err
	}
	ctx := context.Background()
	location := "westeurope"
	if _, err := client.CreateOrUpdate(ctx, "other", armresources.ResourceGroup{Location: &location}, nil); err != nil {
		return err
	}
	if _, err := client.Get(ctx, "other", nil); err != nil {
		return err
	}
	found := 0
	for pager := client.NewListPager(nil); pager.More(); {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return err
		}
		found += len(page.Value)
	}
	if found != 2 {
		return fmt.Errorf("%d resource groups are listed, 2 are there", found)
	}
	there, err := client.CheckExistence(ctx, "none", nil)
	if err != nil || there.Success {
		return fmt.Errorf("a group that is not there exists: %v", err)
	}
	poller, err := client.BeginDelete(ctx, "other", nil)
	if err != nil {
		return err
	}
	_, err = poller.PollUntilDone(ctx, nil)
	return err
}

func read(path string, into any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

type driver struct {
	factory reflect.Value
	plan    plan
	results map[string]string
}

// all calls what the kinds of the plan have, in the service and in a workspace.
func (d *driver) all(operations []operation) {
	kinds := map[string]bool{}
	bodies := map[string]json.RawMessage{}
	var order []string
	for _, row := range d.plan.Create {
		var kind string
		_ = json.Unmarshal(row[0], &kind)
		kinds[kind] = true
		bodies[kind] = row[1]
		order = append(order, kind)
	}
	for _, view := range d.plan.AlsoViews {
		kinds[view] = true
	}
	var own []operation
	for _, operation := range operations {
		at := strings.Index(operation.Path, service)
		if at < 0 {
			continue
		}
		operation.below = operation.Path[at+len(service):]
		if strings.HasPrefix(operation.below, workspace) {
			operation.below = operation.below[len(workspace):]
		}
		if kinds[operation.below] || kinds[above(operation.below)] || collection(kinds, operation.below) {
			own = append(own, operation)
		}
	}
	// A restriction names an API, so it comes after it.
	sort.SliceStable(order, func(i, j int) bool { return rank(order[i]) < rank(order[j]) })
	for _, inWorkspace := range []bool{false, true} {
		for _, kind := range order {
			for _, operation := range own {
				if operation.Method == "PUT" && operation.below == kind && inWorkspace == isInWorkspace(operation) {
					d.call(operation, bodies[kind])
				}
			}
		}
	}
	for _, operation := range own {
		switch operation.Method {
		case "GET", "HEAD":
			d.call(operation, nil)
		case "PATCH":
			body, ok := d.plan.Update[operation.below]
			if !ok {
				body = bodies[operation.below]
			}
			d.call(operation, body)
		case "POST":
			d.call(operation, d.plan.Send[operation.below])
		}
	}
	for _, inWorkspace := range []bool{true, false} {
		for i := len(order) - 1; i >= 0; i-- {
			for _, operation := range own {
				if operation.Method == "DELETE" && operation.below == order[i] && inWorkspace == isInWorkspace(operation) {
					d.call(operation, nil)
				}
			}
		}
	}
}

func rank(kind string) int {
	if strings.HasPrefix(kind, "policyRestrictions") {
		return 1
	}
	return 0
}

func isInWorkspace(operation operation) bool {
	return strings.Contains(operation.Path, "/"+workspace)
}

func above(below string) string {
	at := strings.LastIndex(below, "/")
	if at < 0 {
		return ""
	}
	return below[:at]
}

// collection says whether a path is the list of a kind.
func collection(kinds map[string]bool, below string) bool {
	for kind := range kinds {
		if above(kind) == below && below != "" {
			return true
		}
	}
	return false
}

// call calls an operation of the SDK and waits for its end.
func (d *driver) call(operation operation, body json.RawMessage) {
	err := d.try(operation, body)
	switch {
	case err == nil:
		d.results[operation.Name] = "ok"
	case strings.Contains(err.Error(), "NotSimulated"):
		d.results[operation.Name] = notSimulated
	default:
		d.results[operation.Name] = strings.Join(strings.Fields(err.Error()), " ")
	}
}

func (d *driver) try(operation operation, body json.RawMessage) (err error) {
	defer func() {
		if trouble := recover(); trouble != nil {
			err = fmt.Errorf("the call could not be made: %v", trouble)
		}
	}()
	client, name, _ := strings.Cut(operation.Name, ".")
	made := d.factory.MethodByName("New" + client + "Client")
	if !made.IsValid() {
		return fmt.Errorf("the SDK has no client %s", client)
	}
	target := made.Call(nil)[0]
	method := target.MethodByName(name)
	for _, other := range []string{"Begin" + name, "New" + name + "Pager", "New" + strings.TrimPrefix(name, "New")} {
		if !method.IsValid() {
			method = target.MethodByName(other)
		}
	}
	if !method.IsValid() {
		return fmt.Errorf("the SDK has no method %s", operation.Name)
	}
	arguments, err := d.arguments(operation, method.Type(), body)
	if err != nil {
		return err
	}
	return finish(method.Call(arguments))
}

// arguments fills a method's parameters: names in the order of the path, then what the plan
// has further, then If-Match; bodies from JSON; options are none.
func (d *driver) arguments(operation operation, signature reflect.Type, body json.RawMessage) ([]reflect.Value, error) {
	var texts []string
	for _, segment := range strings.Split(operation.Path, "/") {
		if strings.HasPrefix(segment, "{") && segment != "{subscriptionId}" {
			value, ok := d.plan.Values[strings.Trim(segment, "{}")]
			if !ok {
				return nil, fmt.Errorf("the plan has no value for %s", segment)
			}
			texts = append(texts, value)
		}
	}
	texts = append(texts, d.plan.Further[operation.Name]...)
	var arguments []reflect.Value
	for i := range signature.NumIn() {
		kind := signature.In(i)
		switch {
		case kind == reflect.TypeFor[context.Context]():
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			_ = cancel
			arguments = append(arguments, reflect.ValueOf(ctx))
		case kind.Kind() == reflect.String:
			text := "*"
			if len(texts) > 0 {
				text, texts = texts[0], texts[1:]
			}
			arguments = append(arguments, reflect.ValueOf(text).Convert(kind))
		case kind.Kind() == reflect.Struct:
			value := reflect.New(kind)
			if len(body) > 0 && string(body) != "null" {
				if err := json.Unmarshal(body, value.Interface()); err != nil {
					return nil, err
				}
			}
			arguments = append(arguments, value.Elem())
		default:
			options := reflect.Zero(kind)
			if set, ok := d.plan.Options[operation.Name]; ok && kind.Kind() == reflect.Pointer {
				options = reflect.New(kind.Elem())
				if err := json.Unmarshal(set, options.Interface()); err != nil {
					return nil, err
				}
			}
			arguments = append(arguments, options)
		}
	}
	return arguments, nil
}

// finish turns pages and polls until the end.
func finish(results []reflect.Value) error {
	if last := results[len(results)-1]; last.Type() == reflect.TypeFor[error]() && !last.IsNil() {
		return last.Interface().(error)
	}
	first := results[0]
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if more := first.MethodByName("More"); more.IsValid() {
		for more.Call(nil)[0].Bool() {
			page := first.MethodByName("NextPage").Call([]reflect.Value{reflect.ValueOf(ctx)})
			if err, ok := page[1].Interface().(error); ok && err != nil {
				return err
			}
		}
		return nil
	}
	if poll := first.MethodByName("PollUntilDone"); poll.IsValid() {
		end := poll.Call([]reflect.Value{reflect.ValueOf(ctx), reflect.Zero(poll.Type().In(1))})
		if err, ok := end[1].Interface().(error); ok && err != nil {
			return err
		}
	}
	return nil
}
