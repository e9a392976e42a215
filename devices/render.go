package devices

import (
	"strconv"
	"strings"
	"time"

	"meldefunk/city"
	"meldefunk/city/register"
)

// deviceCells gives what is known of a device as the fields of a CSV row, those that are not
// empty; since is from when it hangs where it does, zero: it hangs nowhere. Keys are not
// among them. rowReader.device reads the same device from them.
func deviceCells(d *register.Device, since time.Time) map[string]string {
	cells := make(map[string]string, 16)
	put := func(column, text string) {
		if text != "" {
			cells[column] = text
		}
	}
	put("dev_eui", d.DevEUI.String())
	put("model", d.Model)
	put("asset", d.Asset)
	put("server", d.Server)
	put("firmware", d.Firmware.String())
	if !d.JoinEUI.IsZero() {
		put("join_eui", d.JoinEUI.String())
	}
	put("serial", d.Serial)
	put("lorawan_version", string(d.Version))
	put("region", d.Region)
	put("class", string(d.Class))
	put("profile", d.Profile)
	put("interval", intervalText(d.Interval))
	put("state", string(d.State))
	put("device_owner", d.Owner)
	put("note", d.Note)
	put("since", timeText(since))
	return cells
}

// assetCells is deviceCells for an asset.
func assetCells(a *register.Asset) map[string]string {
	cells := make(map[string]string, 16)
	put := func(column, text string) {
		if text != "" {
			cells[column] = text
		}
	}
	number := func(column string, n float64) { cells[column] = numberText(n) }
	put("asset", a.ID)
	if a.Kind != city.KindUnknown {
		put("kind", a.Kind.String())
	}
	put("name", a.Name)
	put("address", a.Address)
	if p := a.Position; p != nil {
		number("lat", p.Lat)
		number("lon", p.Lon)
	}
	put("district", a.District)
	put("tour", a.Tour)
	put("owner", a.Owner)
	put("species", a.Species)
	if c := a.Bin; c != nil {
		if c.Shape == city.Table {
			if c.Strapping != nil {
				put("points", pointsText(c.Strapping.Points))
			}
		} else {
			number("empty_mm", c.Empty)
			number("full_mm", c.Full)
		}
		if c.Shape != city.Linear {
			put("shape", c.Shape.String())
		}
		if c.Offset != 0 {
			number("offset_mm", c.Offset)
		}
		if c.Height != 0 {
			number("height_mm", c.Height)
		}
	}
	if a.Level != nil {
		number("zero_mm", a.Level.Zero)
	}
	if s := a.Soil; s != nil {
		if of, err := city.SoilOfType(a.SoilType); err == nil && of == *s {
			put("soil_type", a.SoilType)
		} else {
			number("field_capacity", s.FieldCapacity)
			number("wilting_point", s.WiltingPoint)
		}
	}
	put("offsets", offsetsText(a.Offsets))
	put("asset_note", a.Note)
	put("groups", strings.Join(a.Groups, "|"))
	put("photos", strings.Join(a.Photos, "|"))
	return cells
}

// numberText gives a number so that reading it gives the same.
func numberText(n float64) string {
	if n == 0 {
		return "0" // not "-0"
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}

// timeText gives a time so that reading it gives the same, "" for none.
func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// pointsText is what parsePoints reads.
func pointsText(points []city.LevelPoint) string {
	texts := make([]string, len(points))
	for i, p := range points {
		texts[i] = numberText(p.Distance) + "=" + numberText(p.Level)
	}
	return strings.Join(texts, "|")
}

// offsetsText is what parseOffsets reads.
func offsetsText(o *city.Offsets) string {
	if o == nil {
		return ""
	}
	texts := make([]string, len(o.Values))
	for i, v := range o.Values {
		texts[i] = v.Quantity.String() + "=" + numberText(v.Number)
	}
	return strings.Join(texts, "|")
}
