package tickets

import (
	"errors"
	"fmt"
	"math"

	"meldefunk/city"
)

// area is a polygon on the map. The last corner is joined to the first.
type area []city.Position

// The fewest and the most corners an area may have.
const (
	minCorners = 3
	maxCorners = 10_000
)

// newArea makes an area of corners as GeoJSON writes them: longitude, latitude.
func newArea(corners [][]float64) (area, error) {
	if n := len(corners); n > 1 && sameCorner(corners[0], corners[n-1]) {
		corners = corners[:n-1] // GeoJSON repeats the first corner at the end
	}
	if len(corners) < minCorners || len(corners) > maxCorners {
		return nil, fmt.Errorf("has %d corners: want %d to %d", len(corners), minCorners, maxCorners)
	}
	a := make(area, len(corners))
	swapped := true
	for i, c := range corners {
		if len(c) != 2 {
			return nil, fmt.Errorf("corner %d has %d numbers: want longitude and latitude, like [8.0417, 52.2775]", i+1, len(c))
		}
		lon, lat := c[0], c[1]
		if !(math.Abs(lon) <= 180 && math.Abs(lat) <= 90) {
			return nil, fmt.Errorf("corner %d, [%g, %g], is not on the globe: want longitude and latitude, like [8.0417, 52.2775]", i+1, lon, lat)
		}
		swapped = swapped && inGermany(lat, lon)
		a[i] = city.Position{Lat: lat, Lon: lon}
	}
	if swapped {
		return nil, errors.New("lies in Germany with longitude and latitude swapped: want the longitude first, like [8.0417, 52.2775]")
	}
	return a, nil
}

func sameCorner(a, b []float64) bool {
	return len(a) == 2 && len(b) == 2 && a[0] == b[0] && a[1] == b[1]
}

// inGermany tells whether a place is within the country's bounding box.
func inGermany(lon, lat float64) bool { return lon > 5.8 && lon < 15.1 && lat > 47.2 && lat < 55.1 }

// has tells whether a place lies in the area: an odd number of edges lies east of it. Areas
// do not go over the date line. A place on an edge that two areas share lies in one of them:
// an edge is looked at from south to north, whichever way round its area is written.
func (a area) has(p city.Position) bool {
	inside := false
	last := a[len(a)-1]
	for _, corner := range a {
		south, north := last, corner
		if south.Lat > north.Lat {
			south, north = north, south
		}
		if south.Lat <= p.Lat && p.Lat < north.Lat &&
			p.Lon < south.Lon+(p.Lat-south.Lat)/(north.Lat-south.Lat)*(north.Lon-south.Lon) {
			inside = !inside
		}
		last = corner
	}
	return inside
}
