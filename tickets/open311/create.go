package open311

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
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
func (c *Client) Create(ctx context.Context, r Report) (string, error) {
	code, err := c.theirs(r.Service)
	if err != nil {
		return "", err
	}
	form, err := c.form(code, r)
	if err != nil {
		return "", err
	}
	body, err := c.post(ctx, "/requests.json", form)
	if err != nil {
		return "", err
	}
	all, err := records(body)
	if err != nil {
		return "", c.unsure("%v", err)
	}
	if len(all) != 1 {
		return "", c.unsure("answered with %d elements, want exactly one: does the endpoint take POST for a search?", len(all))
	}
	rec := all[0]
	switch {
	case rec.ID != "":
		if err := c.guard(ctx, r, rec); err != nil {
			return "", err
		}
		return rec.ID, nil
	case rec.Token != "":
		return c.redeem(ctx, r, rec.Token)
	}
	return "", c.unsure("answered with neither service_request_id nor token")
}

func (c *Client) form(code string, r Report) (url.Values, error) {
	form := c.query()
	form.Set("service_code", code)
	form.Set("description", r.Description)
	if r.Position != nil {
		form.Set("lat", strconv.FormatFloat(r.Position.Lat, 'f', 6, 64))
		form.Set("long", strconv.FormatFloat(r.Position.Lon, 'f', 6, 64))
	}
	if r.Address != "" {
		form.Set("address_string", r.Address)
	}
	switch {
	case r.Position == nil && r.Address == "":
		return nil, &Error{Outcome: Refused, msg: "no position and no address: GeoReport wants one of them, complete the asset in the inventory"}
	case utf8.RuneCountInString(r.Description) > maxDescription:
		return nil, &Error{Outcome: Refused, msg: fmt.Sprintf("description is longer than %d characters", maxDescription)}
	case !strings.Contains(r.Description, r.Marker):
		return nil, &Error{Outcome: Refused, msg: fmt.Sprintf("description lacks %q: it could not be found again", r.Marker)}
	}
	return form, nil
}

// guard looks whether rec can be what was just created.
func (c *Client) guard(ctx context.Context, r Report, rec record) error {
	ref, linked, err := c.linked(ctx, rec.ID)
	if err != nil {
		return c.unsure("number %s: look up whether it is taken: %v", clip(rec.ID, 60), err)
	}
	if linked && ref != r.Ref {
		return c.unsure("answered with number %s, which belongs to %s", clip(rec.ID, 60), ref)
	}
	// Servers tell whole seconds.
	sent := r.SentAt.Truncate(time.Second)
	if at, told, err := rec.requested(); told && (err != nil || at.Before(sent)) {
		return c.unsure("answered with number %s, requested at %q, sent at %s", clip(rec.ID, 60), clip(rec.Requested, 40), stamp(r.SentAt))
	}
	return nil
}

// redeem asks for the number behind a token a few times. If it does not come, the
// request is there all the same.
func (c *Client) redeem(ctx context.Context, r Report, token string) (string, error) {
	for _, d := range c.cfg.TokenPolls {
		if wait(ctx, d) != nil {
			break
		}
		body, err := c.get(ctx, "/tokens/"+url.PathEscape(token)+".json", c.query())
		if err != nil {
			continue
		}
		all, err := records(body)
		if err != nil || len(all) != 1 || all[0].ID == "" {
			continue
		}
		if err := c.guard(ctx, r, all[0]); err != nil {
			break
		}
		return all[0].ID, nil
	}
	e := c.unsure("accepted with token %s, but there is no number yet", clip(token, 60))
	e.Accepted = true
	return "", e
}

func (c *Client) unsure(format string, args ...any) *Error {
	return &Error{Outcome: Unsure, msg: c.hide("POST /requests.json: " + fmt.Sprintf(format, args...))}
}
