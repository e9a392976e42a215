package devices

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"meldefunk/city"
	"meldefunk/city/typo"
)

// offsetsOf puts offsets into one order, so that the same ones are the same; nil for none.
func offsetsOf(values []city.Value) *city.Offsets {
	if len(values) == 0 {
		return nil
	}
	slices.SortStableFunc(values, func(a, b city.Value) int { return cmp.Compare(a.Quantity, b.Quantity) })
	return &city.Offsets{Values: values}
}

// parseOffset reads a quantity and what is to be added to it, in its unit, which may be
// written: "-0.5", "20 mm".
func parseOffset(name, text string, comma bool) (v city.Value, err error) {
	if v.Quantity, err = city.ParseQuantity(name); err != nil {
		names := make([]string, 0, len(city.Quantities()))
		for _, q := range city.Quantities() {
			names = append(names, q.String())
		}
		return v, fmt.Errorf("unknown quantity %.40q: want one that the sensor measures, like temperature or distance%s", name, typo.Meant(name, names))
	}
	digits := text[:len(text)-len(strings.TrimLeft(text, "+-0123456789.,"))]
	if unit := strings.TrimSpace(text[len(digits):]); unit != "" && unit != v.Quantity.Unit() {
		return v, fmt.Errorf("%s: %.40q does not fit: want a number in %s", name, text, cmp.Or(v.Quantity.Unit(), "its own scale"))
	}
	if v.Number, err = parseNumber(digits, comma); err != nil {
		return v, fmt.Errorf("%s: %w", name, err)
	}
	return v, nil
}

// parseOffsets reads "temperature=-0,5|distance=20".
func parseOffsets(text string, comma bool) (*city.Offsets, error) {
	var values []city.Value
	for pair := range strings.SplitSeq(text, "|") {
		name, number, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, fmt.Errorf("%.40q is no offset: want a quantity and a number, like temperature=-0.5|distance=20", pair)
		}
		v, err := parseOffset(strings.TrimSpace(name), strings.TrimSpace(number), comma)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return offsetsOf(values), nil
}

// checkOffset tells what is wrong with one offset of an asset.
func checkOffset(a *city.Asset, v city.Value) error {
	lowest, highest := v.Quantity.Range()
	switch {
	case v.Quantity.Boolean():
		return fmt.Errorf("%s is yes or no: want a quantity that is a number", v.Quantity)
	case v.Quantity == city.FillLevel && a.Bin != nil, v.Quantity == city.WaterLevel && a.Level != nil:
		return fmt.Errorf("%s is computed here: want the offset of the distance", v.Quantity)
	case v.Quantity == city.UsableFieldCapacity && a.Soil != nil:
		return fmt.Errorf("%s is computed here: want the offset of soil_moisture", v.Quantity)
	case !(math.Abs(v.Number) <= highest-lowest):
		return fmt.Errorf("%s: %.9g %s does not fit: want at most %.9g either way", v.Quantity, v.Number, v.Quantity.Unit(), highest-lowest)
	}
	return nil
}
