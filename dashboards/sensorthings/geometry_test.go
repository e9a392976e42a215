package sensorthings

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func shape(t testing.TB, wkt string) *geometry {
	t.Helper()
	g, err := parseWKT(wkt)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestRelate holds matrices against those of the standard's pictures and of geometries small
// enough to be worked out by hand.
func TestRelate(t *testing.T) {
	const square = "POLYGON ((0 0,4 0,4 4,0 4,0 0))"
	for _, c := range []struct{ name, a, b, matrix, holds string }{
		{"the same square", square, "POLYGON ((4 4,0 4,0 0,4 0,4 4))", "2FFF1FFF2", "st_equals st_within st_contains st_intersects"},
		{"a square in the square", square, "POLYGON ((1 1,3 1,3 3,1 3,1 1))", "212FF1FF2", "st_contains st_intersects"},
		{"a square around it", "POLYGON ((1 1,3 1,3 3,1 3,1 1))", square, "2FF1FF212", "st_within st_intersects"},
		{"squares that overlap", square, "POLYGON ((2 2,6 2,6 6,2 6,2 2))", "212101212", "st_overlaps st_intersects"},
		{"squares with a side in common", square, "POLYGON ((4 0,8 0,8 4,4 4,4 0))", "FF2F11212", "st_touches st_intersects"},
		{"squares with a corner in common", square, "POLYGON ((4 4,8 4,8 8,4 8,4 4))", "FF2F01212", "st_touches st_intersects"},
		{"squares apart", square, "POLYGON ((9 9,10 9,10 10,9 10,9 9))", "FF2FF1212", "st_disjoint"},
		{"a square in a hole", "POLYGON ((0 0,9 0,9 9,0 9,0 0),(2 2,7 2,7 7,2 7,2 2))", "POLYGON ((3 3,4 3,4 4,3 4,3 3))", "FF2FF1212", "st_disjoint"},
		{"a square that fills a hole", "POLYGON ((0 0,9 0,9 9,0 9,0 0),(2 2,7 2,7 7,2 7,2 2))", "POLYGON ((2 2,7 2,7 7,2 7,2 2))", "FF2F112F2", "st_touches st_intersects"},
		{"a line through the square", "LINESTRING (-1 2,5 2)", square, "101FF0212", "st_crosses st_intersects"},
		{"a line in the square", "LINESTRING (1 1,3 3)", square, "1FF0FF212", "st_within st_intersects"},
		{"a line along a side", "LINESTRING (0 0,4 0)", square, "F1FF0F212", "st_touches st_intersects"},
		{"a line that ends at a side", "LINESTRING (2 4,2 9)", square, "FF1F00212", "st_touches st_intersects"},
		{"lines that cross", "LINESTRING (0 0,4 4)", "LINESTRING (0 4,4 0)", "0F1FF0102", "st_crosses st_intersects"},
		{"lines that overlap", "LINESTRING (0 0,4 0)", "LINESTRING (2 0,6 0)", "1010F0102", "st_overlaps st_intersects"},
		{"lines that meet", "LINESTRING (0 0,4 0)", "LINESTRING (4 0,4 4)", "FF1F00102", "st_touches st_intersects"},
		{"a line and part of it", "LINESTRING (0 0,4 0)", "LINESTRING (1 0,2 0)", "101FF0FF2", "st_contains st_intersects"},
		{"a ring of lines has no end", "LINESTRING (0 0,4 0,4 4,0 0)", "POINT (0 0)", "0F1FFFFF2", "st_contains st_intersects"},
		{"a point in the square", "POINT (1 1)", square, "0FFFFF212", "st_within st_intersects"},
		{"a point on the side", "POINT (0 1)", square, "F0FFFF212", "st_touches st_intersects"},
		{"a point at the end of a line", "POINT (0 0)", "LINESTRING (0 0,4 0)", "F0FFFF102", "st_touches st_intersects"},
		{"a point in a line", "POINT (1 0)", "LINESTRING (0 0,4 0)", "0FFFFF102", "st_within st_intersects"},
		{"some points of several", "MULTIPOINT (0 0,(1 1))", "MULTIPOINT ((1 1),(2 2))", "0F0FFF0F2", "st_overlaps st_intersects"},
		{"the same point", "POINT (8.05 52.28)", "POINT (8.05 52.28)", "0FFFFFFF2", "st_equals st_within st_contains st_intersects"},
		{"a point in the second polygon", "POINT (11 1)", "MULTIPOLYGON (((0 0,4 0,4 4,0 4,0 0)),((10 0,12 0,12 4,10 4,10 0)))", "0FFFFF212", "st_within st_intersects"},
		{"points in and beside the square", "MULTIPOINT (1 1,9 9)", square, "0F0FFF212", "st_crosses st_intersects"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := shape(t, c.a), shape(t, c.b)
			m := a.relate(b)
			var got strings.Builder
			for i := range 9 {
				if n := m[i/3][i%3]; n < 0 {
					got.WriteByte('F')
				} else {
					got.WriteByte('0' + byte(n))
				}
			}
			if got.String() != c.matrix {
				t.Errorf("matrix %s, want %s", got.String(), c.matrix)
			}
			// Turned round, the matrix is transposed.
			turned := b.relate(a)
			for i := range 3 {
				for j := range 3 {
					if turned[j][i] != m[i][j] {
						t.Errorf("turned round: %v is not the transposed %v", turned, m)
					}
				}
			}
			for _, relation := range []string{"st_equals", "st_disjoint", "st_touches", "st_within", "st_overlaps", "st_crosses", "st_intersects", "st_contains"} {
				want := slices.Contains(strings.Fields(c.holds), relation)
				if got := related(relation, a, b); got != want {
					t.Errorf("%s is %v, want %v", relation, got, want)
				}
			}
		})
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want float64
	}{
		{"POINT (0 0)", "POINT (3 4)", 5},
		{"POINT (2 3)", "LINESTRING (0 0,4 0)", 3},
		{"POINT (1 1)", "POLYGON ((0 0,4 0,4 4,0 4,0 0))", 0},
		{"LINESTRING (0 5,4 5)", "POLYGON ((0 0,4 0,4 4,0 4,0 0))", 1},
		{"LINESTRING (0 0,4 4)", "LINESTRING (0 4,4 0)", 0},
		{"POINT (0 0)", "LINESTRING (1 0,1 0)", 1},
	} {
		a, b := shape(t, c.a), shape(t, c.b)
		for _, got := range []float64{a.distance(b), b.distance(a)} {
			if math.Abs(got-c.want) > 1e-9 {
				t.Errorf("from %s to %s: %v, want %v", c.a, c.b, got, c.want)
			}
		}
	}
	if got := shape(t, "MULTILINESTRING ((0 0,3 4),(0 0,0 2))").length(); got != 7 {
		t.Errorf("length %v, want 7", got)
	}
	if got := shape(t, "POLYGON ((0 0,4 0,4 4,0 0))").length(); got != 0 {
		t.Errorf("length of an area %v, want 0", got)
	}
}

func TestWKT(t *testing.T) {
	for _, good := range []string{
		"POINT(8 52)", " point ( 8.05   52.28 ) ", "SRID=4326;POINT Z (8 52 100)", "LINESTRING (0 0, 1e-3 -1)", "MULTIPOINT (1 1,2 2)",
		"POLYGON((0 0,1 0,1 1,0 0),(0.1 0.1,0.2 0.1,0.2 0.2,0.1 0.1))", "MULTIPOLYGON(((0 0,1 0,1 1,0 0)),((5 5,6 5,6 6,5 5)))", "MULTILINESTRING((0 0,1 1),(2 2,3 3))",
	} {
		g := shape(t, good)
		again, ok := asGeometry(g.geoJSON())
		if !ok || again.kind != g.kind || again.box != g.box || len(again.parts) != len(g.parts) {
			t.Errorf("%s: as GeoJSON %v it reads as %v", good, g.geoJSON(), again)
		}
	}
	for bad, why := range map[string]string{
		"":                            "want a type",
		"POINT 8 52":                  "want a type",
		"CIRCLE (1 1)":                "is not one of POINT",
		"POINT (8)":                   "is no position",
		"POINT (8,52)":                "is no position",
		"POINT (8 NaN)":               "is no position",
		"POINT (8 x)":                 "is no number",
		"POINT (8 52":                 "bracket is missing",
		"POINT (8 52))":               "behind it",
		"POINT (1 1,2 2)":             "one position, not 2",
		"LINESTRING (1 1)":            "two positions",
		"POLYGON ((0 0,1 0,1 1,0 1))": "the first again",
		"POLYGON (0 0,1 0,1 1,0 0)":   "want a bracket",
		"MULTIPOINT ((1 1,2 2)":       "bracket is missing",
		"POLYGON ((0 0,1 0,1 1,0 0)":  "comma or a closing bracket",
		"LINESTRING (" + strings.Repeat("1 1,", 2000) + "1 1)": "simplify it",
	} {
		if _, err := parseWKT(bad); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%.40q: %v, want it to say %q", bad, err, why)
		}
	}
}

func FuzzWKT(f *testing.F) {
	f.Add("POLYGON ((0 0,4 0,4 4,0 4,0 0))", "LINESTRING (-1 2,5 2)")
	f.Add("MULTIPOINT (0 0,(1 1))", "POINT (1e5 -1e5)")
	f.Fuzz(func(t *testing.T, a, b string) {
		if len(a)+len(b) > 400 { // the work grows with the square
			return
		}
		ga, err1 := parseWKT(a)
		gb, err2 := parseWKT(b)
		if err1 != nil || err2 != nil {
			return
		}
		ga.relate(gb)
		if d := ga.distance(gb); !(d >= 0) || math.IsInf(d, 0) {
			t.Errorf("distance %v of %q and %q", d, a, b)
		}
	})
}
