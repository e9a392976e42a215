package rules

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"meldefunk/city"
)

// item is one item of a series in a test file.
type item struct {
	value  float64
	faults []city.Fault
	none   bool          // the frame says nothing of it
	lost   bool          // the frame never arrives
	late   time.Duration // it arrives so much later
	twice  bool          // it arrives twice
}

const maxSeries = 100_000 // frames in a story

// parseSeries reads the values of a quantity, one for each frame, with spaces between them:
//
//	40 55.5 true          values in the quantity's unit, without writing it
//	90*6                  the same six times
//	40..90*6              from 40 to 90 in six equal steps: 40 50 60 70 80 90
//	_                     the frame says nothing of the quantity
//	lost                  the frame is lost
//	95~3h                 it arrives three hours late
//	95~twice              it arrives twice
//
// q unknown: the items are faults, joined by "+".
func parseSeries(text string, q city.Quantity) ([]item, error) {
	var all []item
	for _, word := range strings.Fields(text) {
		body, times := word, 1
		if before, after, is := strings.Cut(word, "*"); is {
			n, err := strconv.Atoi(after)
			if err != nil || n < 1 || n > maxSeries {
				return nil, fmt.Errorf("%.40q: want how often after the *, from 1 to %d, like 90*6", word, maxSeries)
			}
			body, times = before, n
		}
		var s item
		if before, after, is := strings.Cut(body, "~"); is {
			body = before
			if s.twice = after == "twice"; !s.twice {
				var err error
				if s.late, err = parseSpan(after); err != nil {
					return nil, fmt.Errorf("%.40q: how late: %w; or ~twice", word, err)
				}
			}
		}
		from, to, ramp := strings.Cut(body, "..")
		if len(all)+times > maxSeries {
			return nil, fmt.Errorf("has more than %d frames", maxSeries)
		}
		var last float64
		var err error
		if ramp {
			if times < 2 || q == city.QuantityUnknown || q.Boolean() {
				return nil, fmt.Errorf("%.40q: from .. to wants numbers and how many there are, like 40..90*6", word)
			}
			if last, err = seriesValue(to, q); err != nil {
				return nil, err
			}
		}
		if err := s.read(from, q); err != nil {
			return nil, err
		}
		first := s.value
		for i := range times {
			if ramp {
				s.value = first + (last-first)*float64(i)/float64(times-1)
			}
			all = append(all, s)
		}
	}
	if all == nil {
		return nil, errors.New("is empty: want a value for each frame, like 40 55 90*6")
	}
	return all, nil
}

func (s *item) read(word string, q city.Quantity) (err error) {
	switch {
	case word == "_":
		s.none = true
	case word == "lost":
		s.lost = true
	case q == city.QuantityUnknown:
		for name := range strings.SplitSeq(word, "+") {
			if !slices.Contains(city.Faults(), city.Fault(name)) {
				return hinted(fmt.Errorf("unknown fault %.40q: want one of %v, several with + between them, or _ for none", name, city.Faults()), name, faultWords())
			}
			s.faults = append(s.faults, city.Fault(name))
		}
	default:
		s.value, err = seriesValue(word, q)
	}
	return err
}

type faultWord string

func (f faultWord) String() string { return string(f) }

func faultWords() []faultWord {
	var all []faultWord
	for _, f := range city.Faults() {
		all = append(all, faultWord(f))
	}
	return all
}

// seriesValue reads one value and refuses those that no device could send.
func seriesValue(word string, q city.Quantity) (float64, error) {
	if q.Boolean() {
		switch strings.ToLower(word) {
		case "true", "yes", "ja", "1":
			return 1, nil
		case "false", "no", "nein", "0":
			return 0, nil
		}
		return 0, fmt.Errorf("%.40q does not fit: %s is yes or no, want true, false, _ or lost", word, q)
	}
	v, err := strconv.ParseFloat(word, 64)
	lowest, highest := q.Range()
	if err != nil || !(v >= lowest && v <= highest) {
		return 0, fmt.Errorf("%.40q does not fit: want a number from %s to %s (%s), _ or lost", word, number(lowest), number(highest), strings.TrimSpace(q.String()+" "+q.Unit()))
	}
	return v, nil
}
