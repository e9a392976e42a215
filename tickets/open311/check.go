package open311

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Check reads the list of services and verifies that every service of the service map is
// there and gives a number at once. It changes nothing. It returns every problem, joined.
func (c *Client) Check(ctx context.Context) error {
	body, err := c.get(ctx, "/services.json", c.query())
	if err != nil {
		return err
	}
	all, err := records(body)
	if err != nil {
		return &Error{Outcome: Retry, msg: c.hide("GET /services.json: " + err.Error())}
	}
	types := map[string]string{}
	for _, rec := range all {
		types[rec.ServiceCode] = rec.ServiceType
	}
	var errs []error
	for _, ours := range slices.Sorted(maps.Keys(c.cfg.ServiceMap)) {
		theirs := c.cfg.ServiceMap[ours]
		typ, ok := types[theirs]
		switch {
		case !ok:
			errs = append(errs, fmt.Errorf("service_map: %s: the endpoint has no service %q among its %d", ours, theirs, len(all)))
		case typ == "batch" || typ == "blackbox":
			errs = append(errs, fmt.Errorf("service_map: %s: service %q is of type %s, which gives no number at once: map to a realtime service", ours, theirs, typ))
		}
	}
	if len(errs) > 0 {
		return &Error{Outcome: Refused, msg: c.hide(errors.Join(errs...).Error())}
	}
	return nil
}
