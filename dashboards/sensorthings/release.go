package sensorthings

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"meldefunk/city"
)

// Release says what may be seen.
type Release struct {
	// Quantities of the assets of each kind. Of a kind that is not in it nothing is seen. Of
	// parking only city.Occupied can be released.
	Quantities map[city.Kind][]city.Quantity

	// Withheld are assets of which nothing is seen, by their ids: bins of single houses,
	// personalised bays.
	Withheld []string

	// Bays are seen each by itself, and are in no area. Name only those at which nobody can be
	// recognised: a bay for everyone with a short permitted stay.
	Bays []Bay

	// MinBays is how many bays of an area must have a known state for the area to be told of,
	// at least 3: of fewer one could be made out.
	MinBays int

	// BayStale is how old the last word of a bay may be for its state to be known.
	BayStale time.Duration
}

// Bay is a parking bay that is released by itself.
type Bay struct {
	Asset    string // city.Asset.ID
	Disabled bool   // it is for people with disabilities, not for one of them
}

// DefaultRelease shows what is measured in public space and of nobody. Vehicles, doors, lamps,
// meters and counts of people are not in it.
func DefaultRelease() Release {
	return Release{
		Quantities: map[city.Kind][]city.Quantity{
			city.Bin:     {city.FillLevel},
			city.Soil:    {city.UsableFieldCapacity, city.SoilMoisture, city.SoilTension, city.SoilTemperature},
			city.Parking: {city.Occupied},
			city.Level:   {city.WaterLevel, city.WaterTemperature},
			city.Weather: {city.Temperature, city.Humidity, city.Pressure, city.Rain, city.WindSpeed, city.WindDirection, city.Illuminance},
			city.Air:     {city.Temperature, city.Humidity, city.CO2, city.PM25, city.PM10, city.Ozone, city.Noise},
		},
		MinBays:  5,
		BayStale: 6 * time.Hour,
	}
}

// Validate returns every problem, joined.
func (r Release) Validate() error {
	var errs []error
	for _, kind := range city.Kinds() {
		for i, q := range r.Quantities[kind] {
			switch {
			case kind == city.Tracker:
				errs = append(errs, errors.New("release: trackers cannot be released: where they are is where people at work are"))
			case q == city.Latitude || q == city.Longitude:
				errs = append(errs, fmt.Errorf("release: %s of %s cannot be released: positions come from the inventory", q, kind))
			case kind == city.Parking && q != city.Occupied:
				errs = append(errs, fmt.Errorf("release: %s of parking cannot be released: it tells how long single vehicles stood; only occupied can", q))
			case slices.Contains(r.Quantities[kind][:i], q):
				errs = append(errs, fmt.Errorf("release: %s of %s is named twice", q, kind))
			}
		}
	}
	if r.MinBays < 3 {
		errs = append(errs, fmt.Errorf("release: min_bays %d: want at least 3, of fewer bays one could be made out", r.MinBays))
	}
	if r.BayStale < 15*time.Minute || r.BayStale > 48*time.Hour {
		errs = append(errs, fmt.Errorf("release: bay_stale %v: want 15m to 48h, like 6h", r.BayStale))
	}
	for _, b := range r.Bays {
		if slices.Contains(r.Withheld, b.Asset) {
			errs = append(errs, fmt.Errorf("release: bay %s is both released and withheld", b.Asset))
		}
	}
	return errors.Join(errs...)
}
