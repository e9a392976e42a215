package board

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"meldefunk/city"
)

// The map is a square of mapSize units. What is nearer than mapSpace becomes one mark: each is
// a link, and must be big enough for a finger on a narrow screen.
const (
	mapSize   = 320.0
	mapSpace  = 29.0
	mapMargin = 22.0
	mapLeast  = 0.3 // km that the map shows at least from side to side
	kmDegree  = 111.2
)

// cityMap is a map without foreign servers: districts from a file, a mark for each place of
// the list beside it, and a scale.
type cityMap struct {
	Title, Desc string
	Areas       []mapArea
	Marks       []mapMark
	Scale       mapScale
	Missing     string // "3 Anlagen ohne Lage", "" for none
	Note        string // whose the districts are
	Legend      []mark
}

// mapArea is a district.
type mapArea struct {
	Name  string
	Path  string
	X, Y  string
	Shown bool // the name has room
}

// mapMark is one place, or several that are too near to be told apart.
type mapMark struct {
	X, Y  string
	Mark  mark
	Count string // "" for one
	Label string
	Link  string
}

// mapScale is a bar and how long it is.
type mapScale struct {
	Width string
	Word  string
}

// mark is a shape on the map, and the word for it.
type mark struct {
	Key, Word string
	Path      string // around 0, 0
}

// markOf says how urgency looks. Shapes tell it, colors repeat it.
func markOf(u urgency) mark {
	return [...]mark{
		{"now", "jetzt", "M0-8L8 7H-8Z"},
		{"soon", "in den nächsten 24\u00a0Stunden", "M0-8L8 0L0 8L-8 0Z"},
		{"later", "später", "M-6 0a6 6 0 1 1 12 0a6 6 0 1 1-12 0Z"},
		{"never", "ohne Vorhersage", "M-5-5H5V5H-5Z"},
	}[u]
}

func marks() []mark {
	return []mark{markOf(urgentNow), markOf(urgentSoon), markOf(urgentLater), markOf(urgentNever)}
}

// projection puts degrees on the square. In a city the earth is flat.
type projection struct {
	west, north    float64
	perLon, perLat float64 // units for a degree
}

func (p projection) at(pos city.Position) (x, y float64) {
	return mapMargin + (pos.Lon-p.west)*p.perLon, mapMargin + (p.north-pos.Lat)*p.perLat
}

// project fits a box into the square, with the same scale in both directions.
func project(b box) (projection, float64) {
	shrink := math.Cos((b.south + b.north) / 2 * math.Pi / 180)
	width, height := (b.east-b.west)*shrink*kmDegree, (b.north-b.south)*kmDegree
	km := max(width, height, mapLeast)
	perKm := (mapSize - 2*mapMargin) / km
	p := projection{perLat: perKm * kmDegree, perLon: perKm * kmDegree * shrink}
	p.west = b.west - (km-width)/2/kmDegree/shrink
	p.north = b.north + (km-height)/2/kmDegree
	return p, perKm
}

// drawMap puts every asset of the list on the map, on whatever page it stands; nil: none has
// been surveyed. The most urgent of those that share a mark gives its shape.
func (b *Board) drawMap(all []work, f workFilter) *cityMap {
	var extent box
	missing := 0
	for i := range all {
		if p := all[i].asset.Position; p != nil {
			extent = extent.grow(*p)
		} else {
			missing++
		}
	}
	if extent == (box{}) {
		return nil
	}
	proj, perKm := project(extent)
	clusters := gather(all, proj)
	m := &cityMap{Legend: marks(), Scale: scaleOf(perKm), Note: b.districts.note, Areas: b.districts.draw(proj)}
	m.Title = "Karte: " + counted(len(all)-missing, "Anlage", "Anlagen") + " der Liste"
	m.Desc = "Jedes Zeichen führt zur Anlage, oder in einen kleineren Ausschnitt, wo mehrere beieinander liegen. Die Liste enthält dieselben Anlagen."
	if missing > 0 {
		m.Missing = counted(missing, "Anlage", "Anlagen") + " der Liste ohne vermessene Lage"
	}
	for _, c := range clusters {
		m.Marks = append(m.Marks, c.mark(all, f))
	}
	return m
}

// cluster is some assets that are near each other on the map.
type cluster struct {
	x, y    float64
	at      urgency
	members []int
	extent  box
}

// gather joins what is nearer than mapSpace, the most urgent first, so that a mark stands where
// its most urgent asset is.
func gather(all []work, proj projection) []*cluster {
	order := make([]int, 0, len(all))
	for i := range all {
		if all[i].asset.Position != nil {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(all[i].at, all[j].at) })
	type cellAt struct{ x, y int }
	grid := map[cellAt][]*cluster{}
	var clusters []*cluster
	for _, i := range order {
		x, y := proj.at(*all[i].asset.Position)
		here := cellAt{int(x / mapSpace), int(y / mapSpace)}
		var near *cluster
		for dx := -1; dx <= 1 && near == nil; dx++ {
			for dy := -1; dy <= 1 && near == nil; dy++ {
				for _, c := range grid[cellAt{here.x + dx, here.y + dy}] {
					if math.Hypot(c.x-x, c.y-y) < mapSpace {
						near = c
						break
					}
				}
			}
		}
		if near == nil {
			near = &cluster{x: x, y: y, at: all[i].at}
			grid[here] = append(grid[here], near)
			clusters = append(clusters, near)
		}
		near.members = append(near.members, i)
		near.extent = near.extent.grow(*all[i].asset.Position)
	}
	// From the north, as one reads.
	slices.SortStableFunc(clusters, func(c, d *cluster) int { return cmp.Or(cmp.Compare(c.y, d.y), cmp.Compare(c.x, d.x)) })
	return clusters
}

// tooNear is a box, in degrees, that no cutout makes any bigger: about ten metres.
const tooNear = 0.0001

func (c *cluster) mark(all []work, f workFilter) mapMark {
	first := &all[c.members[0]]
	m := mapMark{X: unit(c.x), Y: unit(c.y), Mark: markOf(c.at), Link: assetLink(first.asset.ID), Label: nameOf(first.asset) + ": " + markOf(c.at).Word}
	if len(c.members) == 1 {
		return m
	}
	m.Count = count(len(c.members))
	m.Label = counted(len(c.members), "Anlage", "Anlagen") + ", die dringendste: " + m.Label
	if e := c.extent; e.north-e.south > tooNear || e.east-e.west > tooNear {
		const edge = tooNear / 10
		f.cutout, f.page = box{e.south - edge, e.west - edge, e.north + edge, e.east + edge}, 1
		m.Link = f.address()
	}
	return m
}

// scaleOf finds a round length that is about a quarter of the map.
func scaleOf(perKm float64) mapScale {
	for _, m := range []int{20_000, 10_000, 5000, 2000, 1000, 500, 200, 100, 50, 20} {
		if width := float64(m) / 1000 * perKm; width <= mapSize*0.35 {
			word := count(m) + nbsp + "m"
			if m >= 1000 {
				word = count(m/1000) + nbsp + "km"
			}
			return mapScale{unit(width), word}
		}
	}
	return mapScale{"0", ""}
}

// unit writes a length of the map.
func unit(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) }

// draw gives the districts that can be seen, with no more points than can be told apart.
func (d *districts) draw(proj projection) []mapArea {
	var all []mapArea
	for i := range d.areas {
		a := &d.areas[i]
		var path strings.Builder
		sumX, sumY, n := 0.0, 0.0, 0
		seen := false
		for _, ring := range a.rings {
			lastX, lastY, begun := 0.0, 0.0, false
			for _, pos := range ring {
				x, y := proj.at(pos)
				// Far out, all that matters is on which side; numbers stay short.
				x, y = min(max(x, -mapSize), 2*mapSize), min(max(y, -mapSize), 2*mapSize)
				if begun && math.Abs(x-lastX) < 1 && math.Abs(y-lastY) < 1 {
					continue
				}
				inside := x >= 0 && x <= mapSize && y >= 0 && y <= mapSize
				seen = seen || inside
				sumX, sumY, n = sumX+x, sumY+y, n+1
				if begun {
					path.WriteByte('L')
				} else {
					path.WriteByte('M')
				}
				path.WriteString(unit(x) + " " + unit(y))
				lastX, lastY, begun = x, y, true
			}
			if begun {
				path.WriteByte('Z')
			}
		}
		x, y := sumX/float64(max(n, 1)), sumY/float64(max(n, 1))
		middle := x > 20 && x < mapSize-20 && y > 10 && y < mapSize-20
		if seen || middle {
			all = append(all, mapArea{a.name, path.String(), unit(x), unit(y), middle})
		}
	}
	return all
}
