package sqlite

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"meldefunk/city"
	"meldefunk/city/register"
)

// container, soil and gauge are calibrations as they are kept; see docs/sqlite.md.
type container struct {
	Empty  float64      `json:"empty"`
	Full   float64      `json:"full"`
	Offset float64      `json:"offset,omitempty"`
	Shape  city.Shape   `json:"shape"`
	Height float64      `json:"height,omitempty"`
	Points [][2]float64 `json:"points,omitempty"`
}

type soil struct {
	FieldCapacity float64 `json:"field_capacity"`
	WiltingPoint  float64 `json:"wilting_point"`
}

type gauge struct {
	Zero float64 `json:"zero"`
}

const assetColumns = `id, kind, name, address, lat, lon, district, tour, owner, species, soil_type, bin, soil, level, offsets, sets, photos, note, revision, changed`

func scanAsset(row row) (register.Asset, error) {
	var a register.Asset
	var kind, sets, photos string
	var lat, lon sql.NullFloat64
	var bin, ground, level, offsets sql.NullString
	var changed int64
	err := row.Scan(&a.ID, &kind, &a.Name, &a.Address, &lat, &lon, &a.District, &a.Tour, &a.Owner, &a.Species, &a.SoilType,
		&bin, &ground, &level, &offsets, &sets, &photos, &a.Note, &a.Revision, &changed)
	if err != nil {
		return a, err
	}
	a.Changed = time.Unix(0, changed).UTC()
	if lat.Valid && lon.Valid {
		a.Position = &city.Position{Lat: lat.Float64, Lon: lon.Float64}
	}
	a.Kind, err = city.ParseKind(kind)
	if err = errors.Join(err, fromList(sets, &a.Groups), fromList(photos, &a.Photos), calibrate(&a.Asset, bin, ground, level, offsets)); err != nil {
		return a, fmt.Errorf("asset %.40q: %w", a.ID, err)
	}
	return a, nil
}

// calibrate reads what assetArgs wrote of an asset's calibration.
func calibrate(a *city.Asset, bin, ground, level, offsets sql.NullString) error {
	if bin.Valid {
		var c container
		if err := fromJSON(bin, &c); err != nil {
			return fmt.Errorf("bin: %w", err)
		}
		a.Bin = &city.BinCalibration{Empty: c.Empty, Full: c.Full, Offset: c.Offset, Shape: c.Shape, Height: c.Height}
		if c.Points != nil {
			a.Bin.Strapping = &city.StrappingTable{}
			for _, p := range c.Points {
				a.Bin.Strapping.Points = append(a.Bin.Strapping.Points, city.LevelPoint{Distance: p[0], Level: p[1]})
			}
		}
	}
	if ground.Valid {
		var c soil
		if err := fromJSON(ground, &c); err != nil {
			return fmt.Errorf("soil: %w", err)
		}
		a.Soil = &city.SoilCalibration{FieldCapacity: c.FieldCapacity, WiltingPoint: c.WiltingPoint}
	}
	if level.Valid {
		var c gauge
		if err := fromJSON(level, &c); err != nil {
			return fmt.Errorf("level: %w", err)
		}
		a.Level = &city.LevelCalibration{Zero: c.Zero}
	}
	if offsets.Valid {
		values, err := parseMeasured(offsets.String)
		if err != nil {
			return fmt.Errorf("offsets: %w", err)
		}
		a.Offsets = &city.Offsets{Values: values}
	}
	return nil
}

// assetArgs are the columns of an asset.
func (w *writer) assetArgs(a *register.Asset, revision int64, at time.Time) []any {
	var lat, lon, bin, ground, level, offsets any
	if p := a.Position; p != nil {
		lat, lon = p.Lat, p.Lon
	}
	if c := a.Bin; c != nil {
		kept := container{Empty: c.Empty, Full: c.Full, Offset: c.Offset, Shape: c.Shape, Height: c.Height}
		if c.Strapping != nil {
			for _, p := range c.Strapping.Points {
				kept.Points = append(kept.Points, [2]float64{p.Distance, p.Level})
			}
		}
		bin = w.json(kept)
	}
	if c := a.Soil; c != nil {
		ground = w.json(soil{c.FieldCapacity, c.WiltingPoint})
	}
	if c := a.Level; c != nil {
		level = w.json(gauge{c.Zero})
	}
	if a.Offsets != nil {
		offsets = string(appendMeasured(nil, a.Offsets.Values))
	}
	return []any{a.ID, a.Kind.String(), a.Name, a.Address, lat, lon, a.District, a.Tour, a.Owner, a.Species, a.SoilType,
		bin, ground, level, offsets, w.list(a.Groups), w.list(a.Photos), a.Note, revision, at.UnixNano()}
}

// list is texts as a JSON array.
func (w *writer) list(all []string) string {
	if len(all) == 0 {
		return "[]"
	}
	return w.json(all)
}

// fromList reads what list wrote.
func fromList(text string, into *[]string) error {
	if text == "[]" {
		return nil
	}
	return json.Unmarshal([]byte(text), into)
}
