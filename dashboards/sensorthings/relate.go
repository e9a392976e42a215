package sensorthings

import (
	"math"
	"sort"
)

// place is where a point lies with respect to a geometry.
type place uint8

const (
	inside place = iota
	border
	outside
)

// matrix is the dimensionally extended nine-intersection model (DE-9IM, OGC 06-103r4, 6.1.15):
// for inside, border and outside of both geometries the dimension of what they have in
// common, -1 for nothing.
type matrix [3][3]int8

// relate compares two geometries. Every edge is cut where it meets another; then the cut points,
// the middles of the pieces, and what lies on both sides of them are looked up in both. As every
// face of the plane that both make has a piece at its side, nothing is missed.
func (g *geometry) relate(o *geometry) matrix {
	m := matrix{{-1, -1, -1}, {-1, -1, -1}, {-1, -1, 2}}
	set := func(p point, dim int8) {
		a, b := g.locate(p), o.locate(p)
		m[a][b] = max(m[a][b], dim)
	}
	for _, one := range []*geometry{g, o} {
		other := o
		if one == o {
			other = g
		}
		for _, part := range one.parts {
			for _, p := range part {
				set(p, 0)
			}
		}
		one.edges(func(a, b point) {
			cuts := []float64{0, 1}
			if one.box.apart(other.box) {
				cuts = cuts[:2]
			} else {
				cuts = append(cuts, cutsOf(a, b, other)...)
			}
			cuts = append(cuts, cutsOf(a, b, one)...)
			sort.Float64s(cuts)
			dx, dy := b.x-a.x, b.y-a.y
			length := math.Hypot(dx, dy)
			side := tolerance(g, o) * 16
			for i, t := range cuts {
				set(point{a.x + t*dx, a.y + t*dy}, 0)
				if i == 0 || (t-cuts[i-1])*length < 4*side {
					continue
				}
				mid := (t + cuts[i-1]) / 2
				p := point{a.x + mid*dx, a.y + mid*dy}
				set(p, 1)
				nx, ny := -dy/length*side, dx/length*side
				set(point{p.x + nx, p.y + ny}, 2)
				set(point{p.x - nx, p.y - ny}, 2)
			}
		})
	}
	// A point of a line's or point's inside has no area around it that is inside.
	for a := range m {
		for b := range m[a] {
			if place(a) != outside {
				m[a][b] = min(m[a][b], int8(g.size(place(a))))
			}
			if place(b) != outside {
				m[a][b] = min(m[a][b], int8(o.size(place(b))))
			}
		}
	}
	return m
}

// size is the dimension of a geometry's inside or border.
func (g *geometry) size(p place) int {
	if p == border {
		return g.dim - 1
	}
	return g.dim
}

// tolerance is how near counts as the same: a billionth of the extent, 0.1 mm in a city.
func tolerance(a, b *geometry) float64 {
	return 1e-10 * (1 + math.Max(extent(a.box), extent(b.box)))
}

func extent(b box) float64 { return math.Max(b.high.x-b.low.x, b.high.y-b.low.y) }

// cutsOf gives where on the edge from a to b a geometry meets it, 0 to 1.
func cutsOf(a, b point, g *geometry) []float64 {
	var cuts []float64
	dx, dy := b.x-a.x, b.y-a.y
	long := dx*dx + dy*dy
	eps := tolerance(g, g)
	foot := func(p point) {
		if t := ((p.x-a.x)*dx + (p.y-a.y)*dy) / long; t > 0 && t < 1 && fromEdge(p, a, b) <= eps {
			cuts = append(cuts, t)
		}
	}
	if g.dim == 0 {
		for _, p := range g.parts[0] {
			foot(p)
		}
		return cuts
	}
	edge := box{point{math.Min(a.x, b.x) - eps, math.Min(a.y, b.y) - eps}, point{math.Max(a.x, b.x) + eps, math.Max(a.y, b.y) + eps}}
	g.edges(func(c, d point) {
		if edge.apart(box{point{math.Min(c.x, d.x), math.Min(c.y, d.y)}, point{math.Max(c.x, d.x), math.Max(c.y, d.y)}}) {
			return
		}
		foot(c)
		foot(d)
		ex, ey := d.x-c.x, d.y-c.y
		cross := dx*ey - dy*ex
		if math.Abs(cross) < 1e-300 {
			return // parallel: the ends are all there is
		}
		t := ((c.x-a.x)*ey - (c.y-a.y)*ex) / cross
		u := ((c.x-a.x)*dy - (c.y-a.y)*dx) / cross
		if t > 0 && t < 1 && u >= 0 && u <= 1 {
			cuts = append(cuts, t)
		}
	})
	return cuts
}

// locate tells where a point lies.
func (g *geometry) locate(p point) place {
	eps := tolerance(g, g)
	if p.x < g.box.low.x-eps || p.x > g.box.high.x+eps || p.y < g.box.low.y-eps || p.y > g.box.high.y+eps {
		return outside
	}
	switch g.dim {
	case 0:
		for _, q := range g.parts[0] {
			if math.Hypot(p.x-q.x, p.y-q.y) <= eps {
				return inside
			}
		}
		return outside
	case 1:
		return g.onLine(p, eps)
	}
	for i, begin := range g.areas {
		end := len(g.parts)
		if i+1 < len(g.areas) {
			end = g.areas[i+1]
		}
		if at := inPolygon(p, g.parts[begin:end], eps); at != outside {
			return at
		}
	}
	return outside
}

// onLine: the border of lines are those ends at which an odd number of them ends.
func (g *geometry) onLine(p point, eps float64) place {
	ends, on := 0, false
	for _, part := range g.parts {
		first, last := part[0], part[len(part)-1]
		for _, end := range []point{first, last} {
			if math.Hypot(p.x-end.x, p.y-end.y) <= eps {
				ends++
			}
		}
		for i := 1; i < len(part) && !on; i++ {
			on = part[i] != part[i-1] && fromEdge(p, part[i-1], part[i]) <= eps
		}
	}
	switch {
	case ends%2 == 1:
		return border
	case on:
		return inside
	}
	return outside
}

// inPolygon counts how often a ray to the right crosses the rings.
func inPolygon(p point, rings [][]point, eps float64) place {
	in := false
	for _, ring := range rings {
		for i := 1; i < len(ring); i++ {
			a, b := ring[i-1], ring[i]
			if a == b {
				continue
			}
			if fromEdge(p, a, b) <= eps {
				return border
			}
			if (a.y > p.y) != (b.y > p.y) && p.x < a.x+(p.y-a.y)*(b.x-a.x)/(b.y-a.y) {
				in = !in
			}
		}
	}
	if in {
		return inside
	}
	return outside
}

// matches holds a matrix against a pattern of nine: T something, F nothing, * anything, or a
// dimension.
func (m matrix) matches(pattern string) bool {
	for i := range 9 {
		have := m[i/3][i%3]
		switch c := pattern[i]; c {
		case '*':
		case 'T':
			if have < 0 {
				return false
			}
		case 'F':
			if have >= 0 {
				return false
			}
		default:
			if have != int8(c-'0') {
				return false
			}
		}
	}
	return true
}

func (m matrix) touch() bool { return !m.matches("FF*FF****") }

// validPattern tells whether a pattern can be held against a matrix.
func validPattern(s string) bool {
	if len(s) != 9 {
		return false
	}
	for _, c := range s {
		switch c {
		case 'T', 'F', '*', '0', '1', '2':
		default:
			return false
		}
	}
	return true
}

// related answers the spatial relationship functions (OGC 06-103r4, 6.1.15.3).
func related(relation string, a, b *geometry) bool {
	if a.box.apart(b.box) {
		return relation == "st_disjoint"
	}
	if b.kind == "Point" && a.dim == 2 { // what is asked most often
		return pointAndArea(relation == "st_contains", relation, a.locate(b.parts[0][0]))
	}
	if a.kind == "Point" && b.dim == 2 {
		return pointAndArea(relation == "st_within", relation, b.locate(a.parts[0][0]))
	}
	m := a.relate(b)
	switch relation {
	case "st_equals":
		return a.dim == b.dim && m.matches("T*F**FFF*")
	case "st_disjoint":
		return !m.touch()
	case "st_touches":
		return m.matches("FT*******") || m.matches("F**T*****") || m.matches("F***T****")
	case "st_within":
		return m.matches("T*F**F***")
	case "st_contains":
		return m.matches("T*****FF*")
	case "st_overlaps":
		return a.dim == b.dim && (a.dim == 1 && m.matches("1*T***T**") || a.dim != 1 && m.matches("T*T***T**"))
	case "st_crosses":
		return a.dim < b.dim && m.matches("T*T******") || a.dim > b.dim && m.matches("T*****T**") || a.dim == 1 && b.dim == 1 && m.matches("0********")
	}
	return m.touch()
}

// pointAndArea: holds says that the relation is that of the area around the point.
func pointAndArea(holds bool, relation string, at place) bool {
	switch relation {
	case "st_disjoint":
		return at == outside
	case "st_touches":
		return at == border
	case "st_intersects", "geo.intersects":
		return at != outside
	}
	return holds && at == inside
}
