package main

import (
	"errors"
	"fmt"
	"math"

	"github.com/spf13/cobra"

	"meldefunk/city"
)

// calibrationFlags are what the inventory says of an asset, on the command line.
type calibrationFlags struct {
	given func(flag string) bool

	empty, full, offset, height float64
	shape                       string
	zero                        float64

	soilType                    string
	fieldCapacity, wiltingPoint float64
}

func (c *calibrationFlags) add(to *cobra.Command) {
	c.given = to.Flags().Changed
	f := to.Flags()
	f.Float64Var(&c.empty, "empty", 0, "`mm` to the bottom of the empty container, for the fill level")
	f.Float64Var(&c.full, "full", 0, "`mm` to the contents of the full container")
	f.Float64Var(&c.offset, "offset", 0, "`mm` added to every distance")
	f.StringVar(&c.shape, "shape", city.Linear.String(), "linear, lying_cylinder or sphere")
	f.Float64Var(&c.height, "height", 0, "inner diameter in `mm` of a lying_cylinder or sphere; 0: from empty to full")
	f.Float64Var(&c.zero, "zero", 0, "`mm` down to the zero of the gauge, for the water level")
	f.StringVar(&c.soilType, "soil-type", "", "German soil `type` (KA5), like Sl3, for the usable field capacity")
	f.Float64Var(&c.fieldCapacity, "field-capacity", 0, "measured field capacity, `%` by volume, in place of --soil-type")
	f.Float64Var(&c.wiltingPoint, "wilting-point", 0, "measured wilting point, `%` by volume")
}

// asset is one of the kind with this calibration.
func (c *calibrationFlags) asset(kind city.Kind) (*city.Asset, error) {
	bin, err := c.bin()
	if err != nil {
		return nil, err
	}
	soil, err := c.soil()
	if err != nil {
		return nil, err
	}
	a := &city.Asset{Kind: kind, Bin: bin, Soil: soil}
	if c.given("zero") {
		if !(c.zero > 0 && !math.IsInf(c.zero, 0)) {
			return nil, fmt.Errorf("--zero %g: want a number of mm, more than 0", c.zero)
		}
		a.Kind, a.Level = city.Level, &city.LevelCalibration{Zero: c.zero}
	}
	return a, nil
}

func (c *calibrationFlags) any(flags ...string) bool {
	for _, flag := range flags {
		if c.given(flag) {
			return true
		}
	}
	return false
}

// bin is nil where nothing is given.
func (c *calibrationFlags) bin() (*city.BinCalibration, error) {
	if !c.any("empty", "full", "offset", "shape", "height") {
		return nil, nil
	}
	var shape city.Shape
	switch err := shape.UnmarshalText([]byte(c.shape)); {
	case err != nil:
		return nil, fmt.Errorf("--shape: %w", err)
	case shape == city.Table:
		return nil, errors.New("--shape table: its points cannot be given here: want linear, lying_cylinder or sphere")
	case !c.given("empty") || !c.given("full"):
		return nil, errors.New("a calibration needs both --empty and --full")
	case math.IsInf(c.empty-c.full+c.offset+c.height, 0) || math.IsNaN(c.empty-c.full+c.offset+c.height):
		return nil, fmt.Errorf("--empty %g --full %g --offset %g --height %g: want plain numbers of mm", c.empty, c.full, c.offset, c.height)
	case c.full >= c.empty:
		return nil, fmt.Errorf("--full %g must be less than --empty %g", c.full, c.empty)
	case shape == city.Linear && c.height != 0:
		return nil, errors.New("--height: only a lying_cylinder or sphere has one: leave it out, or give --shape")
	case c.height != 0 && c.height < c.empty-c.full:
		return nil, fmt.Errorf("--height %g is less than from empty to full, %g: want the inner diameter", c.height, c.empty-c.full)
	}
	return &city.BinCalibration{Empty: c.empty, Full: c.full, Offset: c.offset, Shape: shape, Height: c.height}, nil
}

// soil is nil where nothing is given.
func (c *calibrationFlags) soil() (*city.SoilCalibration, error) {
	measured := c.any("field-capacity", "wilting-point")
	switch {
	case !measured && !c.given("soil-type"):
		return nil, nil
	case measured && c.given("soil-type"):
		return nil, errors.New("--soil-type stands beside --field-capacity or --wilting-point: want the soil type, or both measured shares")
	case !measured:
		soil, err := city.SoilOfType(c.soilType)
		if err != nil {
			return nil, fmt.Errorf("--soil-type: %w", err)
		}
		return &soil, nil
	case !c.given("field-capacity") || !c.given("wilting-point"):
		return nil, errors.New("measured soil needs both --field-capacity and --wilting-point")
	case !(c.wiltingPoint >= 0 && c.wiltingPoint < c.fieldCapacity && c.fieldCapacity <= 100):
		return nil, fmt.Errorf("--field-capacity %g and --wilting-point %g: want 0 ≤ wilting point < field capacity ≤ 100", c.fieldCapacity, c.wiltingPoint)
	}
	return &city.SoilCalibration{FieldCapacity: c.fieldCapacity, WiltingPoint: c.wiltingPoint}, nil
}
