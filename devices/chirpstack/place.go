package chirpstack

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"meldefunk/city"
	"meldefunk/city/lorawan/enrol"
)

// place is where the devices stand, in ids.
type place struct{ tenant, application string }

// place looks up what the settings name, the first time it is asked.
func (c *Client) place(ctx context.Context) (place, error) {
	c.mu.Lock()
	p := c.here
	c.mu.Unlock()
	if p != (place{}) {
		return p, nil
	}
	p, err := c.lookUp(ctx)
	if err != nil {
		return place{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.here = p
	return p, nil
}

func (c *Client) lookUp(ctx context.Context) (place, error) {
	p := place{tenant: c.cfg.Tenant, application: c.cfg.Application}
	if p.tenant != "" && !isID(p.tenant) {
		id, err := c.idOf(ctx, "tenant", listTenants, message{}, p.tenant)
		if has(err, unauthenticated, permissionDenied) {
			err = &failure{kind: enrol.Unauthorized, msg: fmt.Sprintf("only the API key of an administrator may look tenants up by name: set tenant to the id of %q, or make such a key (%v)", p.tenant, err)}
		}
		if err != nil {
			return place{}, fail("look up the tenant", city.EUI{}, err)
		}
		p.tenant = id
	}
	if !isID(p.application) {
		id, err := c.idOf(ctx, "application", listApplications, message{}.setText(listTenant, p.tenant), p.application)
		if err != nil {
			return place{}, fail("look up the application", city.EUI{}, err)
		}
		p.application = id
	}
	tenant, err := c.tenantOf(ctx, p.application)
	switch {
	case err != nil:
		return place{}, err
	case p.tenant != "" && p.tenant != tenant:
		return place{}, fail("look up the application", city.EUI{}, &failure{kind: enrol.Missing,
			msg: fmt.Sprintf("application %s is not one of tenant %s but of %s: look at both in the settings", p.application, p.tenant, clip(tenant, 60))})
	}
	p.tenant = tenant
	return p, nil
}

// forget has the place and the profiles looked up anew: what they named may be gone.
func (c *Client) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.here = place{}
	clear(c.profiles)
}

// tenantOf gives the tenant of an application. That it can be read shows that the API key is
// a good one.
func (c *Client) tenantOf(ctx context.Context, application string) (string, error) {
	app, err := c.application(ctx, application)
	if err == nil && !isID(app.text(applicationTenant)) {
		err = odd(errors.New("an application without a tenant"))
	}
	if err != nil {
		return "", fail("look up the application", city.EUI{}, err)
	}
	return app.text(applicationTenant), nil
}

func (c *Client) application(ctx context.Context, id string) (message, error) {
	return c.thing(ctx, getApplication, id)
}

// thing reads the thing with an id.
func (c *Client) thing(ctx context.Context, method, id string) (message, error) {
	answer, err := c.call(ctx, method, message{}.setText(about, id))
	if err != nil {
		return nil, err
	}
	m, err := answer.message(about)
	if err != nil {
		return nil, odd(err)
	}
	return m, nil
}

// page is how many things of a list are asked for at once, and pages how often at most.
const page, pages = 100, 20

// idOf finds the one thing that has a name, which is an id already for some.
func (c *Client) idOf(ctx context.Context, kind, method string, request message, name string) (string, error) {
	ids, err := c.named(ctx, method, request, name)
	switch {
	case err != nil:
		return "", err
	case len(ids) == 0:
		return "", &failure{kind: enrol.Missing, msg: fmt.Sprintf("no %s is called %q: make it, or look at the settings", kind, name)}
	case len(ids) > 1:
		return "", &failure{kind: enrol.Missing, msg: fmt.Sprintf("%d %ss are called %q: give the id of one", len(ids), kind, name)}
	}
	return ids[0], nil
}

// named gives the ids of all things that have a name. The search of ChirpStack finds all
// that have it as a part, in either case, and takes % and _ as wild cards.
func (c *Client) named(ctx context.Context, method string, request message, name string) ([]string, error) {
	request = request.setUint(listLimit, page).setText(listSearch, name)
	var ids []string
	for n := range uint64(pages) {
		answer, err := c.call(ctx, method, request.setUint(listOffset, n*page))
		if err != nil {
			return nil, err
		}
		items, err := answer.messages(listResult)
		if err != nil {
			return nil, odd(err)
		}
		for _, item := range items {
			if id := item.text(itemID); item.text(itemName) == name && isID(id) {
				ids = append(ids, id)
			}
		}
		if (n+1)*page >= answer.uint(listTotal) {
			return ids, nil
		}
	}
	return nil, &failure{kind: enrol.Missing, msg: fmt.Sprintf("more than %d names have %q in them: give an id in its place", pages*page, name)}
}

// nameBehind gives the name of what an id stands for, for people; the id where it cannot be
// read.
func (c *Client) nameBehind(ctx context.Context, method, id string, number protowire.Number) string {
	m, err := c.thing(ctx, method, id)
	if err != nil || m.text(number) == "" {
		return clip(id, 60)
	}
	return fmt.Sprintf("%q", clip(c.hide(m.text(number)), 100))
}
