package board

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode/utf8"

	"meldefunk/city"
)

// Bounds of a file of districts. A city has some dozen; a file with more points than that was
// made for something else and would be slow to draw.
const (
	maxDistrictFile = 8 << 20 // bytes
	maxDistricts    = 500
	maxCorners      = 200_000
	maxDistrictName = 60 // characters
)

// SampleDistricts, in place of a file, are districts that nobody has drawn: they lie where
// Osnabrück lies, and say so.
const SampleDistricts = "sample"

// districts are the parts of the city on the map.
type districts struct {
	areas []area
	note  string
}

// area is one district: rings of corners, of which some may be holes.
type area struct {
	name  string
	rings [][]city.Position
}

// loadDistricts reads what the settings name; nothing, where they name nothing.
func loadDistricts(m Map) (*districts, error) {
	var body []byte
	var err error
	note := m.Attribution
	switch m.Districts {
	case "":
		return &districts{}, nil
	case SampleDistricts:
		body, err = files.ReadFile("static/districts.sample.geojson")
		note = "Bezirksgrenzen: erfundenes Beispiel, keine amtlichen Grenzen"
	default:
		var info os.FileInfo
		if info, err = os.Stat(m.Districts); err == nil && info.Size() > maxDistrictFile {
			err = fmt.Errorf("%d bytes: want %d at most", info.Size(), maxDistrictFile)
		}
		if err == nil {
			body, err = os.ReadFile(m.Districts)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("board.map.districts: %s: %w", m.Districts, err)
	}
	areas, err := parseDistricts(body, m.Name())
	if err != nil {
		return nil, fmt.Errorf("board.map.districts: %s: %w", m.Districts, err)
	}
	return &districts{areas, note}, nil
}

// parseDistricts reads GeoJSON (RFC 7946): a FeatureCollection of Polygons and MultiPolygons,
// with the name of each in a property.
func parseDistricts(body []byte, name string) ([]area, error) {
	var file struct {
		Type     string `json:"type"`
		Features []struct {
			Properties map[string]any `json:"properties"`
			Geometry   struct {
				Type        string          `json:"type"`
				Coordinates json.RawMessage `json:"coordinates"`
			} `json:"geometry"`
		} `json:"features"`
	}
	if err := json.Unmarshal(body, &file); err != nil {
		return nil, fmt.Errorf("no GeoJSON: %w", err)
	}
	if file.Type != "FeatureCollection" || len(file.Features) == 0 {
		return nil, fmt.Errorf("want a FeatureCollection with a feature for each district, got type %.40q with %d", file.Type, len(file.Features))
	}
	if len(file.Features) > maxDistricts {
		return nil, fmt.Errorf("%d districts: want %d at most", len(file.Features), maxDistricts)
	}
	var areas []area
	corners := 0
	for i := range file.Features {
		f := &file.Features[i]
		where := fmt.Sprintf("feature %d", i+1)
		var polygons [][][][]float64
		var err error
		switch f.Geometry.Type {
		case "Polygon":
			polygons = make([][][][]float64, 1)
			err = json.Unmarshal(f.Geometry.Coordinates, &polygons[0])
		case "MultiPolygon":
			err = json.Unmarshal(f.Geometry.Coordinates, &polygons)
		default:
			err = fmt.Errorf("geometry is %.40q: want Polygon or MultiPolygon", f.Geometry.Type)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
		a := area{}
		if text, ok := f.Properties[name].(string); ok {
			a.name = printable(strings.TrimSpace(text))
		}
		if utf8.RuneCountInString(a.name) > maxDistrictName {
			return nil, fmt.Errorf("%s: the name %.80q is longer than %d characters", where, a.name, maxDistrictName)
		}
		if a.name == "" {
			return nil, fmt.Errorf("%s: property %q is missing or no text: say with board.map.name_property which one is the name", where, name)
		}
		for _, polygon := range polygons {
			for _, ring := range polygon {
				one := make([]city.Position, 0, len(ring))
				for _, c := range ring {
					if len(c) < 2 || !(c[0] >= -180 && c[0] <= 180 && c[1] >= -90 && c[1] <= 90) {
						return nil, fmt.Errorf("%s (%s): corner %v is no longitude and latitude in degrees: export the file in WGS 84 (EPSG:4326)", where, a.name, c)
					}
					one = append(one, city.Position{Lat: c[1], Lon: c[0]})
				}
				if corners += len(one); corners > maxCorners {
					return nil, errors.New("too many corners: simplify the file to 200000 at most")
				}
				a.rings = append(a.rings, one)
			}
		}
		areas = append(areas, a)
	}
	return areas, nil
}
