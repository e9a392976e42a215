package devices

import (
	"slices"
	"strings"

	"meldefunk/city"
	"meldefunk/city/register"
)

// device reads the fields of a device; zero where nothing stands, and after a complaint.
func (r *rowReader) device() register.Device {
	d := register.Device{
		Device:  city.Device{Model: r.text("model"), Asset: r.text("asset"), Server: r.text("server")},
		Serial:  r.text("serial"),
		Profile: r.text("profile"), Owner: r.text("device_owner"), Note: r.text("note"),
	}
	d.DevEUI = parsed(r, "dev_eui", parseEUI)
	if text := r.raw("firmware"); text != "" {
		f, err := city.ParseFirmware(text)
		if err != nil {
			r.b.field(r.at, "firmware", "%w; spreadsheets make dates of versions unless the column is text", err)
		}
		d.Firmware = f
	}
	d.JoinEUI = parsed(r, "join_eui", parseJoinEUI)
	d.Version = parsed(r, "lorawan_version", parseVersion)
	d.Region = parsed(r, "region", parseRegion)
	d.Class = parsed(r, "class", parseClass)
	d.Interval = parsed(r, "interval", parseInterval)
	d.State = parsed(r, "state", parseState)
	return d
}

// asset reads and checks the fields of an asset.
func (r *rowReader) asset(id string) register.Asset {
	a := register.Asset{
		Asset: city.Asset{
			ID: id, Name: r.text("name"), Address: r.text("address"), District: r.text("district"), Tour: r.text("tour"),
			Owner: r.text("owner"), Species: r.text("species"),
		},
		Note: r.text("asset_note"), Groups: parsed(r, "groups", parseGroups), Photos: parsed(r, "photos", parseWords),
	}
	a.Kind = parsed(r, "kind", parseKind)
	lat, lon := r.number("lat"), r.number("lon")
	if (lat == nil) != (lon == nil) && r.b.count() == r.clean {
		r.b.field(r.at, "lat", "is one half of a position: want latitude and longitude, or neither")
	}
	if lat != nil && lon != nil {
		a.Position = &city.Position{Lat: *lat, Lon: *lon}
	}
	said := container{
		empty: r.number("empty_mm"), full: r.number("full_mm"), offset: r.number("offset_mm"), height: r.number("height_mm"),
		shape: r.raw("shape"), points: listed(r, "points", parsePoints),
	}
	c, key, err := said.calibration()
	if err != nil && r.b.count() == r.clean {
		r.b.field(r.at, key, "%w", err)
	}
	a.Bin = c
	if zero := r.number("zero_mm"); zero != nil {
		a.Level = &city.LevelCalibration{Zero: *zero}
	}
	soil, err := soilCalibration(r.raw("soil_type"), r.number("field_capacity"), r.number("wilting_point"))
	if err != nil && r.b.count() == r.clean {
		r.b.field(r.at, "soil_type", "%w", err)
	}
	a.Soil, a.SoilType = soil, soilType(r.raw("soil_type"))
	a.Offsets = listed(r, "offsets", parseOffsets)
	r.b.checkFacts(r.at, &a.Asset)
	return a
}

// parsed reads a field; zero for an empty one, and after a complaint.
func parsed[T any](r *rowReader, name string, parse func(text string) (T, error)) (v T) {
	if text := r.raw(name); text != "" {
		var err error
		if v, err = parse(text); err != nil {
			r.b.field(r.at, name, "%w", err)
		}
	}
	return v
}

// soilType gives a soil type as the table of soil types spells it, "" for what is none.
func soilType(text string) string {
	names := city.SoilTypes()
	if i := slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, text) }); i >= 0 {
		return names[i]
	}
	return ""
}
