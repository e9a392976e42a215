package sensorthings

import (
	"errors"
	"fmt"
	"math"
)

// maxVertices bounds a geometry that is asked with.
const maxVertices = 1000

// point is a position in the plane of the coordinates: longitude and latitude, degrees.
type point struct{ x, y float64 }

// geometry is points, lines or areas, of one dimension. Coordinates are taken as a plane, as
// WGS 84 degrees are in the geospatial functions of STA.
type geometry struct {
	kind  string // GeoJSON's name
	dim   int    // 0, 1, 2
	parts [][]point
	areas []int // of dim 2: at which of parts each polygon begins; its outer ring is the first
	box   box
}

type box struct{ low, high point }

func (b box) apart(o box) bool {
	return b.high.x < o.low.x || o.high.x < b.low.x || b.high.y < o.low.y || o.high.y < b.low.y
}

// shapeKinds are the geometries that are understood: the dimension, and how deep coordinates
// are nested.
var shapeKinds = map[string]struct{ dim, depth int }{
	"Point": {0, 0}, "MultiPoint": {0, 1}, "LineString": {1, 1}, "MultiLineString": {1, 2}, "Polygon": {2, 2}, "MultiPolygon": {2, 3},
}

// newGeometry makes a geometry of polygons, each a list of parts. Points and lines come as one
// polygon.
func newGeometry(kind string, polygons [][][]point) (*geometry, error) {
	g := &geometry{kind: kind, dim: shapeKinds[kind].dim, box: box{point{math.Inf(1), math.Inf(1)}, point{math.Inf(-1), math.Inf(-1)}}}
	n := 0
	for _, polygon := range polygons {
		if g.dim == 2 {
			g.areas = append(g.areas, len(g.parts))
		}
		for _, part := range polygon {
			if g.dim == 1 && len(part) < 2 {
				return nil, errors.New("a line needs two positions")
			}
			if g.dim == 2 && (len(part) < 4 || part[0] != part[len(part)-1]) {
				return nil, errors.New("a ring needs four positions, of which the last is the first again")
			}
			for _, p := range part {
				if math.IsNaN(p.x) || math.IsNaN(p.y) || math.Abs(p.x) > 1e6 || math.Abs(p.y) > 1e6 {
					return nil, fmt.Errorf("%v %v is no position", p.x, p.y)
				}
				g.box.low = point{math.Min(g.box.low.x, p.x), math.Min(g.box.low.y, p.y)}
				g.box.high = point{math.Max(g.box.high.x, p.x), math.Max(g.box.high.y, p.y)}
			}
			n += len(part)
			g.parts = append(g.parts, part)
		}
	}
	if n == 0 {
		return nil, errors.New("it has no positions")
	}
	if n > maxVertices {
		return nil, fmt.Errorf("it has %d positions, at most %d can be asked with: simplify it", n, maxVertices)
	}
	return g, nil
}

// asGeometry reads a value: a geometry, or the GeoJSON of one.
func asGeometry(v any) (*geometry, bool) {
	switch v := v.(type) {
	case *geometry:
		return v, true
	case map[string]any:
		if inner, ok := v["geometry"].(map[string]any); ok && v["type"] == "Feature" {
			v = inner
		}
		kind, _ := v["type"].(string)
		shape, ok := shapeKinds[kind]
		if !ok {
			return nil, false
		}
		polygons, ok := shapeOf(v["coordinates"], shape.depth)
		if !ok {
			return nil, false
		}
		g, err := newGeometry(kind, polygons)
		return g, err == nil
	}
	return nil, false
}

func shapeOf(v any, depth int) ([][][]point, bool) {
	switch depth {
	case 0:
		p, ok := positionOf(v)
		return [][][]point{{{p}}}, ok
	case 1:
		line, ok := partOf(v)
		return [][][]point{{line}}, ok
	case 2:
		polygon, ok := listOf(v, partOf)
		return [][][]point{polygon}, ok
	}
	return listOf(v, func(v any) ([][]point, bool) { return listOf(v, partOf) })
}

func partOf(v any) ([]point, bool) { return listOf(v, positionOf) }

func listOf[T any](v any, one func(any) (T, bool)) ([]T, bool) {
	list, ok := v.([]any)
	if !ok || len(list) > maxVertices {
		return nil, false
	}
	all := make([]T, len(list))
	for i := range list {
		if all[i], ok = one(list[i]); !ok {
			return nil, false
		}
	}
	return all, true
}

func positionOf(v any) (point, bool) {
	list, ok := v.([]any)
	if !ok || len(list) < 2 {
		return point{}, false
	}
	x, ok1 := list[0].(float64)
	y, ok2 := list[1].(float64)
	return point{x, y}, ok1 && ok2
}

// geoJSON writes a geometry.
func (g *geometry) geoJSON() map[string]any {
	position := func(p point) any { return []any{p.x, p.y} }
	part := func(ps []point) any {
		list := make([]any, len(ps))
		for i, p := range ps {
			list[i] = position(p)
		}
		return list
	}
	all := func(parts [][]point) []any {
		list := make([]any, len(parts))
		for i, p := range parts {
			list[i] = part(p)
		}
		return list
	}
	var coordinates any
	switch g.kind {
	case "Point":
		coordinates = position(g.parts[0][0])
	case "MultiPoint", "LineString":
		coordinates = part(g.parts[0])
	case "MultiLineString", "Polygon":
		coordinates = all(g.parts)
	default:
		var polygons []any
		for i, begin := range g.areas {
			end := len(g.parts)
			if i+1 < len(g.areas) {
				end = g.areas[i+1]
			}
			polygons = append(polygons, all(g.parts[begin:end]))
		}
		coordinates = polygons
	}
	return map[string]any{"type": g.kind, "coordinates": coordinates}
}

// length is that of lines, in degrees; 0 of anything else.
func (g *geometry) length() float64 {
	var sum float64
	if g.dim == 1 {
		g.edges(func(a, b point) { sum += math.Hypot(b.x-a.x, b.y-a.y) })
	}
	return sum
}

// edges hands over every segment of lines and rings.
func (g *geometry) edges(do func(a, b point)) {
	if g.dim == 0 {
		return
	}
	for _, part := range g.parts {
		for i := 1; i < len(part); i++ {
			if part[i-1] != part[i] {
				do(part[i-1], part[i])
			}
		}
	}
}

// distance is the shortest way between two geometries, in degrees.
func (g *geometry) distance(o *geometry) float64 {
	if g.touched(o) {
		return 0
	}
	least := math.Inf(1)
	near := func(from, to *geometry) {
		for _, part := range from.parts {
			for _, p := range part {
				if to.dim == 0 {
					for _, q := range to.parts[0] {
						least = math.Min(least, math.Hypot(p.x-q.x, p.y-q.y))
					}
					continue
				}
				to.edges(func(a, b point) { least = math.Min(least, fromEdge(p, a, b)) })
			}
		}
	}
	near(g, o)
	near(o, g)
	return least
}

// touched tells whether two geometries have a point in common.
func (g *geometry) touched(o *geometry) bool { return !g.box.apart(o.box) && g.relate(o).touch() }

func fromEdge(p, a, b point) float64 {
	dx, dy := b.x-a.x, b.y-a.y
	t := ((p.x-a.x)*dx + (p.y-a.y)*dy) / (dx*dx + dy*dy)
	t = math.Max(0, math.Min(1, t))
	return math.Hypot(p.x-a.x-t*dx, p.y-a.y-t*dy)
}
