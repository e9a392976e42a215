package devices

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"meldefunk/city"
)

// container is what an inventory says of how a container fills; nil and "" where it says
// nothing. Lengths in mm.
type container struct {
	empty, full, offset, height *float64
	shape                       string
	points                      []city.LevelPoint
}

// calibration puts together what is said; nil where nothing is. An error comes with the key
// that it is about.
func (given *container) calibration() (c *city.BinCalibration, key string, err error) {
	if given.empty == nil && given.full == nil && given.offset == nil && given.height == nil && given.shape == "" && given.points == nil {
		return nil, "", nil
	}
	c = &city.BinCalibration{}
	if given.shape != "" {
		if err := c.Shape.UnmarshalText([]byte(strings.ToLower(given.shape))); err != nil {
			return nil, "shape", err
		}
	}
	if given.offset != nil {
		c.Offset = *given.offset
	}
	switch {
	case c.Shape == city.Table && given.points == nil:
		return nil, "points", errors.New("are missing: shape table goes by them")
	case c.Shape == city.Table && (given.empty != nil || given.full != nil || given.height != nil):
		return nil, "shape", errors.New("table goes by its points: leave out the distances when empty and when full, and the height")
	case c.Shape == city.Table:
		c.Strapping = &city.StrappingTable{Points: inOrder(given.points)}
		return c, "", nil
	case given.points != nil:
		return nil, "points", errors.New("only shape table has them: say that it is the shape, or leave them out")
	case given.empty == nil || given.full == nil:
		return nil, "empty", errors.New("is one half of a calibration: want the distances when empty and when full, or neither")
	}
	c.Empty, c.Full = *given.empty, *given.full
	switch {
	case given.height == nil:
	case c.Shape == city.Linear:
		return nil, "height", errors.New("only a lying_cylinder or sphere has one: leave it out, or give the shape")
	case *given.height < c.Empty-c.Full:
		return nil, "height", fmt.Errorf("%g mm is less than from empty to full, %g mm: want the inner diameter", *given.height, c.Empty-c.Full)
	default:
		c.Height = *given.height
	}
	return c, "", nil
}

// inOrder gives the points by rising distance, where they stand by falling distance: people
// write tables of containers either way.
func inOrder(points []city.LevelPoint) []city.LevelPoint {
	if len(points) > 1 && points[0].Distance > points[len(points)-1].Distance {
		points = slices.Clone(points)
		slices.Reverse(points)
	}
	return points
}

// maxPoints is how many points a strapping table may have: one for every centimetre of the
// largest tank.
const maxPoints = 1000

// checkPoints tells what is wrong with a strapping table.
func checkPoints(points []city.LevelPoint) error {
	if n := len(points); n < 2 || n > maxPoints {
		return fmt.Errorf("%d do not make a table: want 2 to %d", n, maxPoints)
	}
	_, furthest := city.Distance.Range()
	for i, p := range points {
		switch {
		case !(p.Distance >= 0 && p.Distance <= furthest):
			return fmt.Errorf("distance %.9g mm does not fit: want 0 to %.9g mm", p.Distance, furthest)
		case !(p.Level >= 0 && p.Level <= 100):
			return fmt.Errorf("level %.9g %% at %.9g mm does not fit: want 0 to 100 %%", p.Level, p.Distance)
		case i == 0:
		case points[i-1].Distance >= p.Distance:
			return fmt.Errorf("%.9g mm and %.9g mm are not in order: want distances that rise, or fall, from point to point", points[i-1].Distance, p.Distance)
		case points[i-1].Level < p.Level:
			return fmt.Errorf("%.9g %% at %.9g mm and %.9g %% at %.9g mm: want the higher level where the contents are nearer", points[i-1].Level, points[i-1].Distance, p.Level, p.Distance)
		}
	}
	return nil
}

// parsePoints reads "1200=0|800=35|250=100": distance in mm, level in %.
func parsePoints(text string, comma bool) ([]city.LevelPoint, error) {
	var points []city.LevelPoint
	for pair := range strings.SplitSeq(text, "|") {
		distance, level, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, fmt.Errorf("%.40q is no point: want distance in mm and level in %%, like 1200=0|800=35|250=100", pair)
		}
		var p city.LevelPoint
		var err error
		if p.Distance, err = parseNumber(strings.TrimSpace(distance), comma); err != nil {
			return nil, err
		}
		if p.Level, err = parseNumber(strings.TrimSpace(level), comma); err != nil {
			return nil, err
		}
		points = append(points, p)
	}
	return points, nil
}
