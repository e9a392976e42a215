package sim

import (
	"fmt"
	"math"
	"math/rand/v2"

	"meldefunk/city"
)

// setting is what goes on around a place; habits depend on it.
type setting uint8

const (
	centre setting = iota // shops, cafés, offices
	stop                  // around a station or school: working days
	homes                 // where people live
	green                 // parks and ways along water: evenings and weekends
)

// street is a real street, square or lake of Osnabrück with its district. Positions are
// approximate, some hundred metres; house numbers and everything at them are made up.
type street struct {
	name     string
	district string
	setting  setting
	lat, lon float64
	numbers  int // highest house number used
}

var streets = []street{
	{"Domhof", "Innenstadt", centre, 52.2776, 8.0449, 12},
	{"Neumarkt", "Innenstadt", centre, 52.2734, 8.0478, 14},
	{"Große Straße", "Innenstadt", centre, 52.2752, 8.0465, 90},
	{"Krahnstraße", "Innenstadt", centre, 52.2763, 8.0427, 50},
	{"Markt", "Innenstadt", centre, 52.2778, 8.0418, 30},
	{"Bierstraße", "Innenstadt", centre, 52.2787, 8.0411, 30},
	{"Nikolaiort", "Innenstadt", centre, 52.2759, 8.0446, 8},
	{"Kamp", "Innenstadt", centre, 52.2748, 8.0441, 80},
	{"Hasestraße", "Innenstadt", centre, 52.2795, 8.0447, 60},
	{"Möserstraße", "Innenstadt", centre, 52.2744, 8.0520, 50},
	{"Johannisstraße", "Innenstadt", centre, 52.2710, 8.0483, 130},
	{"Lohstraße", "Innenstadt", centre, 52.2797, 8.0433, 60},
	{"Theodor-Heuss-Platz", "Innenstadt", stop, 52.2728, 8.0612, 10},
	{"Wittekindstraße", "Innenstadt", stop, 52.2736, 8.0505, 30},
	{"Schloßwall", "Innenstadt", stop, 52.2705, 8.0435, 60},
	{"Heger-Tor-Wall", "Innenstadt", green, 52.2768, 8.0390, 30},
	{"Natruper-Tor-Wall", "Innenstadt", green, 52.2800, 8.0395, 20},
	{"Herrenteichswall", "Innenstadt", green, 52.2782, 8.0480, 20},
	{"Lotter Straße", "Weststadt", centre, 52.2766, 8.0330, 130},
	{"Katharinenstraße", "Weststadt", homes, 52.2742, 8.0362, 110},
	{"Arndtstraße", "Weststadt", homes, 52.2752, 8.0312, 40},
	{"Gutenbergstraße", "Weststadt", homes, 52.2783, 8.0285, 40},
	{"Natruper Straße", "Westerberg", stop, 52.2853, 8.0310, 180},
	{"Albrechtstraße", "Westerberg", stop, 52.2836, 8.0245, 40},
	{"Caprivistraße", "Westerberg", stop, 52.2800, 8.0235, 50},
	{"Barbarastraße", "Westerberg", homes, 52.2863, 8.0228, 30},
	{"Martinistraße", "Wüste", centre, 52.2712, 8.0345, 110},
	{"Parkstraße", "Wüste", homes, 52.2685, 8.0325, 60},
	{"Schnatgang", "Wüste", homes, 52.2655, 8.0255, 70},
	{"Limberger Straße", "Wüste", stop, 52.2660, 8.0215, 80},
	{"Pappelsee", "Wüste", green, 52.2668, 8.0360, 8},
	{"Sutthauser Straße", "Kalkhügel", homes, 52.2615, 8.0415, 180},
	{"Brinkstraße", "Kalkhügel", homes, 52.2592, 8.0355, 60},
	{"Iburger Straße", "Schölerberg", centre, 52.2612, 8.0498, 220},
	{"Meller Straße", "Schölerberg", homes, 52.2635, 8.0570, 180},
	{"Ertmanstraße", "Schölerberg", homes, 52.2600, 8.0545, 40},
	{"Klaus-Strick-Weg", "Schölerberg", green, 52.2508, 8.0715, 20},
	{"Hannoversche Straße", "Fledder", stop, 52.2640, 8.0700, 110},
	{"Schützenstraße", "Schinkel", homes, 52.2800, 8.0680, 120},
	{"Buersche Straße", "Schinkel", homes, 52.2790, 8.0720, 120},
	{"Bremer Straße", "Schinkel", stop, 52.2822, 8.0790, 220},
	{"Knollstraße", "Sonnenhügel", homes, 52.2930, 8.0590, 160},
	{"Süntelstraße", "Sonnenhügel", homes, 52.2900, 8.0520, 60},
	{"Haster Weg", "Sonnenhügel", green, 52.2935, 8.0470, 40},
	{"Bramscher Straße", "Haste", homes, 52.2975, 8.0400, 260},
	{"Rubbenbruchsee", "Westerberg", green, 52.2800, 8.0050, 20},
}

// tourOf is the district's share of the city: who goes there.
func tourOf(district string) string {
	switch district {
	case "Innenstadt":
		return "Mitte"
	case "Weststadt", "Westerberg":
		return "West"
	case "Schinkel", "Fledder":
		return "Ost"
	case "Sonnenhügel", "Haste":
		return "Nord"
	}
	return "Süd"
}

// spot is a made-up address on a real street.
type spot struct {
	street   street
	number   int // of the house
	address  string
	position city.Position
}

// scatter is how far a spot may lie from its street's point, in metres (one standard
// deviation, cut at two).
const scatter = 80

func newSpot(rng *rand.Rand, among []street) spot {
	s := among[rng.IntN(len(among))]
	north := clamp(rng.NormFloat64(), -2, 2) * scatter
	east := clamp(rng.NormFloat64(), -2, 2) * scatter
	number := 1 + rng.IntN(s.numbers)
	return spot{
		street:  s,
		number:  number,
		address: fmt.Sprintf("%s %d", s.name, number),
		position: city.Position{
			Lat: round(s.lat+north/metresPerLat, 1e5),
			Lon: round(s.lon+east/metresPerLon, 1e5),
		},
	}
}

// streetsOf gives the streets of some settings.
func streetsOf(settings ...setting) []street {
	var found []street
	for _, s := range streets {
		for _, want := range settings {
			if s.setting == want {
				found = append(found, s)
			}
		}
	}
	return found
}

// Metres per degree at 52.27° north, on a sphere of 6371 km.
const (
	metresPerLat = 111_195
	metresPerLon = 68_040
)

// distance between two positions of one city, in metres.
func distance(a, b city.Position) float64 {
	return math.Hypot((a.Lat-b.Lat)*metresPerLat, (a.Lon-b.Lon)*metresPerLon)
}

func clamp(x, low, high float64) float64 { return min(max(x, low), high) }

// round to a whole number of 1/unit.
func round(x, unit float64) float64 { return math.Round(x*unit) / unit }
