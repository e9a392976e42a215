package open311

import (
	"cmp"
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"meldefunk/city"
)

// attribute is one entry of a service definition (GeoReport v2, "GET Service Definition").
type attribute struct {
	code     string
	datatype string // string, number, datetime, text, singlevaluelist, multivaluelist
	required bool
	values   []choice // of a list
}

type choice struct{ key, name string }

// alwaysTold are the attributes that every order has; a definition may require them.
var alwaysTold = []string{"ref"}

// attributes reads a service definition; what is not one has none.
func attributes(tree any) []attribute {
	if m, ok := tree.(map[string]any); ok && m["service_definition"] != nil {
		tree = m["service_definition"]
	}
	if all, ok := tree.([]any); ok && len(all) == 1 {
		tree = all[0]
	}
	var found []attribute
	for _, v := range each(dig(tree, "attributes"), "attribute") {
		a := attribute{
			code:     scalar(dig(v, "code")),
			datatype: strings.ToLower(scalar(dig(v, "datatype"))),
			required: truth(dig(v, "required")),
		}
		// One that is not variable is a text for people.
		if a.code == "" || scalar(dig(v, "variable")) != "" && !truth(dig(v, "variable")) {
			continue
		}
		for _, w := range each(dig(v, "values"), "value") {
			if key := scalar(dig(w, "key")); key != "" {
				a.values = append(a.values, choice{key, scalar(dig(w, "name"))})
			}
		}
		found = append(found, a)
	}
	return found
}

// each gives the elements of a list, which XML wraps once more.
func each(v any, name string) []any {
	if m, ok := v.(map[string]any); ok {
		if inside, ok := m[name]; ok {
			v = inside
		}
	}
	switch v := v.(type) {
	case []any:
		return v
	case map[string]any:
		return []any{v}
	}
	return nil
}

// truth reads a truth value; "false" is one that servers write in quotes.
func truth(v any) bool {
	s := strings.ToLower(scalar(v))
	return s == "true" || s == "1"
}

// attributeCode gives the endpoint's code for one of ours.
func (c *Client) attributeCode(ours string) string { return cmp.Or(c.cfg.Attributes[ours], ours) }

// addAttributes fills the attributes that the service declares, and no others: strict
// servers refuse what they do not know, and lenient ones drop it silently.
func (c *Client) addAttributes(ctx context.Context, form url.Values, code string, o city.Order) error {
	offered, err := c.offered(ctx, code)
	if err != nil {
		return err
	}
	values := map[string]string{}
	for _, a := range o.Attributes {
		values[c.attributeCode(a.Code)] = a.Value
	}
	for theirs, v := range c.cfg.Constants {
		values[theirs] = v
	}
	for _, a := range offered.definitions[code] {
		v, ok := a.write(values[a.code])
		switch {
		case ok && a.datatype == "multivaluelist":
			form.Set("attribute["+a.code+"][]", v)
		case ok:
			form.Set("attribute["+a.code+"]", v)
		case a.required:
			return refuse("service %q requires the attribute %q (%s), and %q is no value for it: see attributes and constants",
				code, a.code, a.datatype, clip(values[a.code], 60))
		}
	}
	return nil
}

// write gives a value as the attribute wants it; false: it is none, or there is no value.
func (a attribute) write(v string) (string, bool) {
	if v == "" {
		return "", false
	}
	switch a.datatype {
	case "number":
		_, err := strconv.ParseFloat(v, 64)
		return v, err == nil
	case "datetime":
		t, err := time.Parse(time.RFC3339, v)
		return stamp(t), err == nil
	case "singlevaluelist", "multivaluelist":
		for _, w := range a.values {
			if strings.EqualFold(w.key, v) || strings.EqualFold(w.name, v) {
				return w.key, true
			}
		}
		return "", false
	}
	return v, true
}
