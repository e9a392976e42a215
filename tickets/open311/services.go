package open311

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"meldefunk/city"
)

// catalogue is what the endpoint offers, as of the last look.
type catalogue struct {
	asked       map[string]bool   // the codes that are sent; nil: nobody has looked
	services    map[string]record // by their code
	definitions map[string][]attribute
}

// Check reads the services and their definitions and verifies that each service of the
// service map and of AlsoUse is there, is still the one that was meant, gives a number, and wants no
// attribute that it will not get; and that lists can be asked for by date. It changes
// nothing there. It returns every problem, joined. Call it at the start and daily: codes
// get reassigned.
func (c *Client) Check(ctx context.Context) error {
	now, err := c.look(ctx)
	if err != nil {
		return err
	}
	c.mu.Lock()
	before := c.services
	c.services = now
	c.mu.Unlock()

	var errs []error
	check := func(where, theirs, name string) {
		for _, err := range c.compare(now, theirs, cmp.Or(name, before.services[theirs].ServiceName)) {
			errs = append(errs, fmt.Errorf("%s: %w", where, err))
		}
	}
	for _, ours := range slices.Sorted(maps.Keys(c.cfg.ServiceMap)) {
		check("service_map: "+ours, c.cfg.ServiceMap[ours], c.cfg.ServiceNames[ours])
	}
	for _, theirs := range c.routed() {
		check("routes: code", theirs, "")
	}
	if err := c.probeDates(ctx); err != nil {
		errs = append(errs, err)
	}
	if len(errs) > 0 {
		return c.fail(city.Refused, "%v", errors.Join(errs...))
	}
	return nil
}

// compare says what is wrong with one service; want is the name it should have, "" any.
func (c *Client) compare(now catalogue, theirs, want string) (errs []error) {
	svc, ok := now.services[theirs]
	if !ok {
		return []error{fmt.Errorf("the endpoint has no service %q among its %d", theirs, len(now.services))}
	}
	if svc.ServiceType == "blackbox" {
		errs = append(errs, fmt.Errorf("service %q is of type blackbox, which never gives a number: map to another service", theirs))
	}
	if want != "" && want != svc.ServiceName {
		errs = append(errs, fmt.Errorf("service %q is now called %q, not %q: has its code been given to something else?", theirs, svc.ServiceName, want))
	}
	for _, a := range now.definitions[theirs] {
		if a.required && !c.fills(a.code) {
			errs = append(errs, fmt.Errorf("service %q requires the attribute %q: name ours for it in attributes, or a value in constants", theirs, a.code))
		}
	}
	return errs
}

// AlsoUse says which of the endpoint's services orders name beside those of the service map.
// It is called before the client is used; codes may be called by several goroutines.
func (c *Client) AlsoUse(codes func() []string) { c.also = codes }

// routed gives the services that only orders name, in order.
func (c *Client) routed() []string {
	if c.also == nil {
		return nil
	}
	mapped := slices.Collect(maps.Values(c.cfg.ServiceMap))
	only := slices.DeleteFunc(slices.Sorted(slices.Values(c.also())), func(code string) bool { return slices.Contains(mapped, code) })
	return slices.Compact(only)
}

// sent gives every service of the endpoint that is sent to, and one more.
func (c *Client) sent(more ...string) map[string]bool {
	all := map[string]bool{}
	for _, code := range c.cfg.ServiceMap {
		all[code] = true
	}
	for _, code := range append(c.routed(), more...) {
		all[code] = true
	}
	return all
}

// look reads the services and the definitions of those that are sent to.
func (c *Client) look(ctx context.Context, more ...string) (catalogue, error) {
	path := c.path("services")
	tree, err := c.get(ctx, path, c.query())
	if err != nil {
		return catalogue{}, err
	}
	all, err := c.records(tree)
	if err != nil {
		return catalogue{}, c.fail(city.Retry, "GET %s: %v", path, err)
	}
	found := catalogue{asked: c.sent(more...), services: map[string]record{}, definitions: map[string][]attribute{}}
	for _, rec := range all {
		if rec.ServiceCode != "" {
			found.services[rec.ServiceCode] = rec
		}
	}
	for theirs := range found.asked {
		if found.services[theirs].Metadata != "true" {
			continue
		}
		tree, err := c.get(ctx, c.path("services", theirs), c.query())
		if err != nil && statusOf(err) != http.StatusNotFound && statusOf(err) != http.StatusNotImplemented && statusOf(err) != http.StatusOK {
			return catalogue{}, err
		}
		// A definition that is announced and not there, or a web page, is none.
		if err == nil {
			found.definitions[theirs] = attributes(tree)
		}
	}
	return found, nil
}

// offered gives what the endpoint offers, and looks if nobody has asked for this service yet.
func (c *Client) offered(ctx context.Context, code string) (catalogue, error) {
	c.mu.Lock()
	now := c.services
	c.mu.Unlock()
	if now.asked[code] {
		return now, nil
	}
	now, err := c.look(ctx, code)
	if f := (*city.Failure)(nil); errors.As(err, &f) && f.Outcome != city.Retry {
		now, err = catalogue{asked: c.sent(code)}, nil // an endpoint without a list: nothing is declared
	}
	if err != nil {
		return catalogue{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.services.asked[code] {
		c.services = now
	}
	return c.services, nil
}

// probeDates asks for the newest request by its date. There are servers with start_date
// and end_date the wrong way round.
func (c *Client) probeDates(ctx context.Context) error {
	q := c.reading()
	q.Set("status", "open")
	all, err := c.page(ctx, q)
	if err != nil {
		return err
	}
	newest, at := record{}, ""
	for _, rec := range all {
		if t, told, err := rec.requested(); told && err == nil && stamp(t) > at {
			newest, at = rec, stamp(t)
		}
	}
	if newest.ID == "" {
		return nil // nothing there to ask for
	}
	t, _, err := newest.requested()
	if err != nil {
		return err
	}
	q.Set("start_date", stamp(t.Add(-searchMargin)))
	all, err = c.page(ctx, q)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(all, func(r record) bool { return r.ID == newest.ID }) {
		return errors.New("start_date is not what the specification says (the newest request is not found by it): searches go on without dates, " +
			"so a list that is cut off can hide a ticket: set paging")
	}
	return nil
}

// fills tells whether a declared attribute gets a value, in every order.
func (c *Client) fills(theirs string) bool {
	if c.cfg.Constants[theirs] != "" {
		return true
	}
	return slices.ContainsFunc(alwaysTold, func(ours string) bool { return strings.EqualFold(c.attributeCode(ours), theirs) })
}
