package open311

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"meldefunk/city"
)

// maxDescription is the limit of GeoReport v2 for description, in characters.
const maxDescription = 4000

// Create sends POST requests once and gives the number of the new service request
// (GeoReport v2, "POST Service Request").
//
// A good status is not believed by itself: there are servers that answer this POST with a
// list of old requests. The answer must hold exactly one element, its number must not be
// linked to another ref, and where it tells when it was requested, that must not be
// before it was sent.
func (c *Client) Create(ctx context.Context, o city.Order) (string, error) {
	code, err := c.theirs(o)
	if err != nil {
		return "", err
	}
	form, err := c.form(code, o)
	if err != nil {
		return "", err
	}
	if err := c.addAttributes(ctx, form, code, o); err != nil {
		return "", err
	}
	tree, err := c.send(ctx, "POST", c.path("requests"), form)
	if err != nil {
		return "", err
	}
	all, err := c.records(tree)
	if err != nil {
		return "", c.unsure("%v", err)
	}
	if len(all) != 1 {
		return "", c.unsure("answered with %d elements, want exactly one: does the endpoint take POST for a search?", len(all))
	}
	rec := all[0]
	switch {
	case rec.ID != "":
		if err := c.guard(ctx, o, rec); err != nil {
			return "", err
		}
		return rec.ID, nil
	case rec.Token != "":
		return c.redeem(ctx, o, rec.Token)
	}
	return "", c.unsure("answered with neither service_request_id nor token")
}

func (c *Client) form(code string, o city.Order) (url.Values, error) {
	form := c.query()
	description := o.Title + "\n\n" + o.Text
	form.Set("service_code", code)
	form.Set("description", description)
	placed := false
	if o.Asset != nil {
		if p := o.Asset.Position; p != nil {
			form.Set("lat", strconv.FormatFloat(p.Lat, 'f', 6, 64))
			form.Set("long", strconv.FormatFloat(p.Lon, 'f', 6, 64))
			placed = true
		}
		if address := line(o.Asset.Address); address != "" {
			form.Set("address_string", address)
			placed = true
		}
	}
	if o.Case.Group != "" { // of many assets: in words
		if place := line(o.Place); place != "" {
			form.Set("address_string", place)
			placed = true
		}
	}
	if c.flavour.Email {
		form.Set("email", c.cfg.Email)
	}
	switch {
	case !placed:
		return nil, refuse("no position and no address: GeoReport wants one of them, complete the asset in the inventory")
	case utf8.RuneCountInString(description) > maxDescription:
		return nil, refuse("description is longer than %d characters", maxDescription)
	case !strings.Contains(description, o.Marker) || o.Marker == "":
		return nil, refuse("description lacks %q: it could not be found again", o.Marker)
	}
	return form, nil
}

// line makes one line of a text, without control characters.
func line(s string) string {
	gap := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\uFFFD"), gap), " ")
}

// guard looks whether rec can be what was just created.
func (c *Client) guard(ctx context.Context, o city.Order, rec record) error {
	ref, linked, err := c.linked(ctx, rec.ID)
	if err != nil {
		return c.unsure("number %s: look up whether it is taken: %v", clip(rec.ID, 60), err)
	}
	if linked && ref != o.Case.Ref {
		return c.unsure("answered with number %s, which belongs to %s", clip(rec.ID, 60), ref)
	}
	// Servers tell whole seconds.
	sent := o.SentAt.Truncate(time.Second)
	if at, told, err := rec.requested(); told && (err != nil || at.Before(sent)) {
		return c.unsure("answered with number %s, requested at %q, sent at %s", clip(rec.ID, 60), clip(rec.Requested, 40), stamp(o.SentAt))
	}
	return nil
}

func (c *Client) unsure(format string, args ...any) *city.Failure {
	return c.fail(city.Unsure, "POST "+c.path("requests")+": "+format, args...)
}
