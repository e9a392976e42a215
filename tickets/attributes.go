package tickets

import (
	"strconv"
	"time"

	"meldefunk/city"
)

// attributes are the facts of a case for machines, by the codes that a ticket system may
// declare in its service definition. Times are left out where they are not for the public.
func (w words) attributes(c *city.Case, a *city.Asset) []city.Attribute {
	service, _ := FindService(c.Service)
	q, name := told(c), ""
	value, limit := strconv.FormatFloat(c.Value, 'f', -1, 64), strconv.FormatFloat(c.Limit, 'f', -1, 64)
	switch {
	case q == city.QuantityUnknown:
		value, limit = "", ""
	case q.Boolean():
		name, value, limit = q.German(), strconv.FormatBool(c.Value != 0), strconv.FormatBool(c.Limit != 0)
	default:
		name = q.German()
	}
	all := []city.Attribute{
		{Code: "ref", Value: c.Ref},
		{Code: "asset_id", Value: oneLine(first(c.Asset, c.Group))},
		{Code: "gruppe", Value: service.Group},
		{Code: "messgroesse", Value: name},
		{Code: "messwert", Value: value},
		{Code: "einheit", Value: q.Unit()},
		{Code: "schwelle", Value: limit},
	}
	if a != nil {
		all = append(all, city.Attribute{Code: "tour", Value: oneLine(a.Tour)})
	}
	if !service.Untimed && !c.Since.IsZero() {
		all = append(all, city.Attribute{Code: "seit", Value: c.Since.In(w.zone).Format(time.RFC3339)})
	}
	all = append(all,
		city.Attribute{Code: "prioritaet", Value: first(w.route.Priority, priority(c))},
		city.Attribute{Code: "zustaendig", Value: oneLine(w.route.Unit)})
	given := all[:0]
	for _, f := range all {
		if f.Value != "" {
			given = append(given, f)
		}
	}
	return given
}
