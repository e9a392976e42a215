package opendata

import (
	"encoding/json"
	"time"
)

// feature is one thing of RFC 7946.
type feature struct {
	Type       string         `json:"type"`
	ID         any            `json:"id"`
	Geometry   *point         `json:"geometry"` // null: it is nowhere in particular
	Properties map[string]any `json:"properties"`
}

type point struct {
	Type        string     `json:"type"`
	Coordinates [2]float64 `json:"coordinates"` // longitude, latitude
}

// collection has members of our own, as RFC 7946 allows.
type collection struct {
	Type      string    `json:"type"`
	Name      string    `json:"name"`
	Publisher string    `json:"publisher"`
	Licence   string    `json:"license"`
	Made      time.Time `json:"made"`
	Features  []feature `json:"features"`
}

func (p *publication) geoJSON() ([]byte, error) {
	all := collection{Type: "FeatureCollection", Name: p.set.title, Publisher: p.config.Publisher, Licence: p.config.licence().page, Made: p.made.In(p.zone), Features: []feature{}}
	for _, r := range p.rows {
		f := feature{Type: "Feature", ID: r.values[0], Properties: map[string]any{}}
		if r.at != nil {
			f.Geometry = &point{"Point", [2]float64{r.at.Lon, r.at.Lat}}
		}
		for i, v := range r.values {
			if at, is := v.(time.Time); is {
				v = at.In(p.zone)
			}
			f.Properties[p.set.fields[i].name] = v
		}
		all.Features = append(all.Features, f)
	}
	return json.Marshal(all)
}
