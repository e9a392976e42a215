package sim

import "time"

// tourStop is where a crew comes by: on which days, and how far along its route. A route goes through the streets of a tour in the order of the table, and in each
// street up the house numbers, so stops of one tour always come in the same order.
type tourStop struct {
	vehicle string  // who comes: "Mitte", or "Mitte Glas" for what another crew takes
	along   float64 // streets before it on the route, with the part of its own
	days    [7]bool // from Sunday
	lots    uint64  // own number for drawing lots
}

// Assumed.
const (
	firstStop   = 5.5  // hour at which the first crew is at its first stop
	lastStart   = 7.0  // and the last crew at its
	perStreet   = 0.18 // hours for a street on a good day
	slowDay     = 1.5  // times that on a bad one
	cancelled   = 0.02 // share of a tour's days on which it does not go: broken vehicle, sick crew
	passedBy    = 0.05 // share of stops that are passed by: a parked car, a closed street
	tourHorizon = 40   // days; so many stops in a row are not missed
)

// newTourStop at a spot.
func newTourStop(at spot, vehicle string, days [7]bool, lots uint64) tourStop {
	tour := tourOf(at.street.district)
	before := 0
	for i := range streets {
		if streets[i].name == at.street.name {
			break
		}
		if tourOf(streets[i].district) == tour {
			before++
		}
	}
	return tourStop{vehicle: vehicle, days: days, lots: lots,
		along: float64(before) + float64(at.number)/float64(at.street.numbers+1)}
}

// next is when the crew stops here next, after a moment. Tours go by the clock on the
// wall; on public holidays nobody comes.
func (s *tourStop) next(seed uint64, after time.Time) time.Time {
	shown := wall(after)
	crew := seed + textNumber(s.vehicle)
	begin := firstStop + (lastStart-firstStop)*lot(crew, lotTour, 0)
	today := dayNumber(shown)
	for number := today; number < today+tourHorizon; number++ {
		date := dateOf(number)
		if !s.days[date.Weekday()] || lot(crew, lotTour, number) < cancelled ||
			lot(s.lots, lotSkip, number) < passedBy || holiday(date) {
			continue
		}
		pace := perStreet * (1 + (slowDay-1)*lot(crew, lotPace, number))
		at := date.Add(hoursOf(begin + s.along*pace))
		if at.After(shown) {
			return fromWall(at)
		}
	}
	return after.AddDate(0, 0, tourHorizon)
}
