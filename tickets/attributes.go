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
	value, limit := strconv.FormatFloat(c.Value, 'f', -1, 64), strconv.FormatFloat(c.Limit, 'f', -1, 64)
	if c.Quantity.Boolean() {
		value, limit = strconv.FormatBool(c.Value != 0), strconv.FormatBool(c.Limit != 0)
	}
	all := []city.Attribute{
		{Code: "ref", Value: c.Ref},
		{Code: "asset_id", Value: oneLine(c.Asset)},
		{Code: "gruppe", Value: service.Group},
		{Code: "messgroesse", Value: c.Quantity.German()},
		{Code: "messwert", Value: value},
		{Code: "einheit", Value: c.Quantity.Unit()},
		{Code: "schwelle", Value: limit},
	}
	if a != nil {
		all = append(all, city.Attribute{Code: "tour", Value: oneLine(a.Tour)})
	}
	if !service.Untimed && !c.Since.IsZero() {
		all = append(all, city.Attribute{Code: "seit", Value: c.Since.In(w.zone).Format(time.RFC3339)})
	}
	given := all[:0]
	for _, f := range all {
		if f.Value != "" {
			given = append(given, f)
		}
	}
	return given
}
