package tickets

import (
	"path"
	"slices"
	"strings"

	"meldefunk/city"
)

// match says which cases a route is for. What is empty fits every case; of a list one must
// fit.
type match struct {
	services  []string // codes, or patterns like OS-PRK-*
	owners    []string
	kinds     []city.Kind
	districts []string
	tours     []string
	areas     []area
	grade     city.Grade // at least this bad
}

func (m *match) fits(c *city.Case, a *city.Asset) bool {
	if len(m.services) > 0 && !slices.ContainsFunc(m.services, func(p string) bool { return globbed(p, c.Service) }) {
		return false
	}
	if c.Grade < m.grade {
		return false
	}
	if a == nil {
		return len(m.owners)+len(m.kinds)+len(m.areas) == 0 && m.group(c.Group)
	}
	return (len(m.owners) == 0 || slices.Contains(m.owners, a.Owner)) &&
		(len(m.kinds) == 0 || slices.Contains(m.kinds, a.Kind)) &&
		(len(m.districts) == 0 || slices.Contains(m.districts, a.District)) &&
		(len(m.tours) == 0 || slices.Contains(m.tours, a.Tour)) &&
		(len(m.areas) == 0 || a.Position != nil && slices.ContainsFunc(m.areas, func(r area) bool { return r.has(*a.Position) }))
}

// group tells whether a group is one of the tours and districts that are asked for. Nothing
// else is known of it.
func (m *match) group(group string) bool {
	sort, name, _ := strings.Cut(group, ":")
	return (len(m.districts) == 0 || sort == "district" && slices.Contains(m.districts, name)) &&
		(len(m.tours) == 0 || sort == "tour" && slices.Contains(m.tours, name))
}

// globbed tells whether a pattern, which was checked, fits the whole of a code.
func globbed(pattern, code string) bool {
	fits, err := path.Match(pattern, code)
	return err == nil && fits
}
