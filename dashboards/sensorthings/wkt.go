package sensorthings

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// wktKinds are the names of well-known text.
var wktKinds = map[string]string{
	"POINT": "Point", "MULTIPOINT": "MultiPoint", "LINESTRING": "LineString", "MULTILINESTRING": "MultiLineString",
	"POLYGON": "Polygon", "MULTIPOLYGON": "MultiPolygon",
}

// wktText reads well-known text from left to right.
type wktText struct{ rest string }

// parseWKT reads a geometry as well-known text (OGC 06-103r4, 7.2), "POLYGON ((8 52, 9 52, 9 53,
// 8 52))". Heights are left out, and a leading "SRID=4326;".
func parseWKT(s string) (*geometry, error) {
	fail := func(err error) (*geometry, error) { return nil, fmt.Errorf("geometry %.60q: %w", s, err) }
	t := &wktText{strings.TrimPrefix(s, "SRID=4326;")}
	open := strings.IndexByte(t.rest, '(')
	if open < 0 {
		return fail(errors.New("want a type and positions in brackets, like POINT (8.05 52.28)"))
	}
	words := strings.Fields(strings.ToUpper(t.rest[:open]))
	if len(words) == 2 && words[1] == "Z" {
		words = words[:1]
	}
	kind := ""
	if len(words) == 1 {
		kind = wktKinds[words[0]]
	}
	if kind == "" {
		return fail(fmt.Errorf("%.40q is not one of POINT, MULTIPOINT, LINESTRING, MULTILINESTRING, POLYGON, MULTIPOLYGON", strings.TrimSpace(t.rest[:open])))
	}
	t.rest = t.rest[open:]
	polygons, err := t.shape(shapeKinds[kind].depth)
	if err == nil && strings.TrimSpace(t.rest) != "" {
		err = fmt.Errorf("what stands behind it, %.40q, is not expected", t.rest)
	}
	if err != nil {
		return fail(err)
	}
	g, err := newGeometry(kind, polygons)
	if err != nil {
		return fail(err)
	}
	return g, nil
}

func (t *wktText) shape(depth int) ([][][]point, error) {
	switch depth {
	case 0:
		part, err := t.part()
		if err == nil && len(part) != 1 {
			err = fmt.Errorf("a point has one position, not %d", len(part))
		}
		return [][][]point{{part}}, err
	case 1:
		part, err := t.part()
		return [][][]point{{part}}, err
	case 2:
		parts, err := wktList(t, t.part)
		return [][][]point{parts}, err
	}
	return wktList(t, func() ([][]point, error) { return wktList(t, t.part) })
}

func (t *wktText) part() ([]point, error) { return wktList(t, t.position) }

// position reads "8.05 52.28", in brackets or not, as in MULTIPOINT.
func (t *wktText) position() (point, error) {
	t.rest = strings.TrimSpace(t.rest)
	bracket := strings.HasPrefix(t.rest, "(")
	if bracket {
		t.rest = t.rest[1:]
	}
	end := strings.IndexAny(t.rest, ",()")
	if end < 0 {
		return point{}, errors.New("a closing bracket is missing")
	}
	words := strings.Fields(t.rest[:end])
	if len(words) < 2 || len(words) > 3 {
		return point{}, fmt.Errorf("%.40q is no position: want longitude and latitude with a blank between", t.rest[:end])
	}
	var n [2]float64
	for i := range n {
		var err error
		if n[i], err = strconv.ParseFloat(words[i], 64); err != nil {
			return point{}, fmt.Errorf("%.40q is no number", words[i])
		}
	}
	t.rest = t.rest[end:]
	if bracket {
		if !strings.HasPrefix(t.rest, ")") {
			return point{}, errors.New("a closing bracket is missing")
		}
		t.rest = t.rest[1:]
	}
	return point{n[0], n[1]}, nil
}

// wktList reads things in brackets with commas between.
func wktList[T any](t *wktText, one func() (T, error)) ([]T, error) {
	t.rest = strings.TrimSpace(t.rest)
	if !strings.HasPrefix(t.rest, "(") {
		return nil, fmt.Errorf("want a bracket ( before %.40q", t.rest)
	}
	var all []T
	for {
		if len(all) > maxVertices {
			return nil, fmt.Errorf("it has more than %d positions: simplify it", maxVertices)
		}
		t.rest = t.rest[1:]
		v, err := one()
		if err != nil {
			return nil, err
		}
		all = append(all, v)
		t.rest = strings.TrimSpace(t.rest)
		if strings.HasPrefix(t.rest, ")") {
			t.rest = t.rest[1:]
			return all, nil
		}
		if !strings.HasPrefix(t.rest, ",") {
			return nil, fmt.Errorf("want a comma or a closing bracket before %.40q", t.rest)
		}
	}
}
