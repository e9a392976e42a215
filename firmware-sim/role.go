package sim

import "time"

// role is what a sensor has to show beyond its daily life.
type role uint8

const (
	ordinary    role = iota
	brimming         // a bin that soon runs over and is not emptied for a while
	due              // a full bin whose emptying comes soon
	blind            // a bin sensor that gets no echo
	dying            // a sensor whose battery ends
	brokenProbe      // a soil sensor with a cut probe
)

// binRoles are handed out to bins in this order, so that a small city too has something
// of each.
var binRoles = []role{
	brimming, due, blind, brimming, due, dying,
	brimming, due, brimming, due, brimming, due, brimming, due,
}

// The story: whenever the city is started, some bins cross 90 % and stay there, and
// others that were full are emptied, both early enough that a rule which wants 30 minutes
// and two readings has decided within 4.5 hours. With one reading per hour, the first
// within storyBoot, a brimming bin has its second reading over 90 % at 3.2 hours at the
// latest, an emptied one its second low reading at 4.3 hours.
const (
	storyBoot     = 4 * time.Minute  // the bins of the story speak first
	storyHeard    = 8 * time.Hour    // none of their frames is lost until then
	brimmingRate  = 5.0              // %/h at least, while the story lasts
	brimmingLevel = 97.0             // % up to which that rate holds
	firstEmptying = 75 * time.Minute // after two readings of a full bin
	lastEmptying  = 130 * time.Minute
	firstDeath    = 20 * time.Hour // after hours of a weak battery
	lastDeath     = 30 * time.Hour
)

// inStory tells whether the sensor must be heard for the story to be told.
func (r role) inStory() bool { return r == brimming || r == due }
