package rules

import (
	"time"

	"meldefunk/city"
)

// Rule is one rule: for which assets, what opens and closes a case, and what is in the
// ticket. Everything down to Title decides; the hash of it is the rule's version.
type Rule struct {
	ID    string      // lower-case letters, digits and hyphens: "bin-full"
	Kinds []city.Kind // of the assets it looks at; empty: of every kind

	// Levels are the degrees of the same matter, the mildest first, one at least. Each opens
	// and closes by itself; a case is wanted while any is open, and is as severe as the highest
	// of them.
	Levels []Level

	Evidence Evidence
	Period   time.Duration // how often a device sends, declared; 0: as its model tells, else learned
	MaxGap   time.Duration // a longer silence breaks a run; 0: three periods

	When   Window // the rule looks only then, at opening; zero: always
	Season Window // likewise, for months
	Quiet  Window // openings wait until it is over; zero: never quiet

	// InhibitedBy names rules whose open case keeps this one from opening: at the same asset,
	// or, where they are about a gateway or another group, at the asset's group.
	InhibitedBy []string

	// Over makes it a rule about groups: its Levels look at the group (Aggregate), and Member
	// says what is asked of each member. NoGroup: a rule about single assets.
	Over   Group
	Member *Level

	// GroupBy makes one case of the rule's cases in a group. NoGroup: one for each asset.
	GroupBy Group

	Shadow bool // decides and records, and opens nothing

	PerHour int // safety brake: cases of this rule in an hour, kept by the road; 0: no brake of its own

	Service string // ticket category: upper-case letters, digits and hyphens
	Title   string // words for the ticket: what is the matter
	Advice  string // words for the ticket: what to do; may be empty
}

// Level is one degree of a matter: what opens it, what closes it, and how much of either is
// enough.
type Level struct {
	Severity city.Grade // from 1; rising within a rule

	Open     Signal        // is open when this has held …
	For      time.Duration // … for at least this span
	Readings int           // … on at least so many readings; 0: 1
	Of       int           // … of the last so many, 8 at most; 0: in a row

	Clear         Signal // closes when this has held …; nil: when Open is false
	ClearFor      time.Duration
	ClearReadings int // as Readings
	ClearOf       int
}

// Evidence says what a span of time is proven by.
type Evidence uint8

// The kinds of evidence.
const (
	// Samples: a span counts from reading to reading, and only a reading decides. For
	// sensors that send by the clock.
	Samples Evidence = iota
	// Hold: what the last reading said holds on while the device gives any sign of life, and
	// time decides. For sensors that send when something changes.
	Hold
)

func (e Evidence) String() string {
	if e == Hold {
		return "hold"
	}
	return "samples"
}

// Group is a way of putting assets together.
type Group uint8

// The groups.
const (
	NoGroup    Group = iota
	ByTour           // Asset.Tour
	ByStreet         // the address without its number
	ByDistrict       // Asset.District
	ByGateway        // the best gateway of the newest reading
	ByKind           // Asset.Kind
)

var groupNames = [...]string{"", "tour", "street", "district", "gateway", "kind"}

// Groups lists them.
func Groups() []Group { return []Group{ByTour, ByStreet, ByDistrict, ByGateway, ByKind} }

// String is the name as it stands before the colon in city.Share.Group.
func (g Group) String() string {
	if int(g) < len(groupNames) {
		return groupNames[g]
	}
	return "unknown"
}

// Calendar tells when something is so. It knows its time zone.
type Calendar interface {
	Active(at time.Time) bool
	// Next is the first instant after at when Active changes; zero: it never does.
	Next(at time.Time) time.Time
}

// Window is a calendar together with its words in the rule file, which also stand for it in
// the rule's version. The zero value is none.
type Window struct {
	Calendar Calendar
	Text     string // "mon-fri 07:00-18:00"
	German   string // the same for people; decides nothing
}

// Override gives one figure of a rule another value for some assets. Where several fit, the
// asset's own counts before its group's (tour, street, district, species, soil type, in
// this order), and that before its kind's.
type Override struct {
	Rule     string
	Severity city.Grade // of the level meant; 0: every level
	Target   Target
	Figures  Figures
}

// Target names assets: "asset:PK-0042", "tour:5", "street:Domhof", "district:Altstadt",
// "species:Tilia cordata", "soil:Sl3", "kind:bin".
type Target struct {
	By   TargetBy
	Name string
}

// TargetBy says what a Target goes by.
type TargetBy uint8

// What a target can go by, the narrowest first: that is the order in which overrides count.
const (
	TargetAsset TargetBy = iota
	TargetTour
	TargetStreet
	TargetDistrict
	TargetSpecies
	TargetSoil
	TargetKind
	targetCount
)

var targetNames = [targetCount]string{"asset", "tour", "street", "district", "species", "soil", "kind"}

// Targets lists them, the narrowest first.
func Targets() []TargetBy {
	return []TargetBy{TargetAsset, TargetTour, TargetStreet, TargetDistrict, TargetSpecies, TargetSoil, TargetKind}
}

func (b TargetBy) String() string {
	if b < targetCount {
		return targetNames[b]
	}
	return "unknown"
}

// String writes it like "tour:5".
func (t Target) String() string { return t.By.String() + ":" + t.Name }

// Figures are what an Override can change. nil leaves a figure as it is.
type Figures struct {
	Open, Clear   *float64 // limits, in the unit of the signal; only signals that are Limited have one
	For, ClearFor *time.Duration
	MaxGap        *time.Duration
	Period        *time.Duration
}

// Maintenance is a span in which no case is wanted, because people know.
type Maintenance struct {
	Targets []Target // any of them
	Rules   []string // empty: every rule
	When    Window   // within From and Until; zero: all the time
	From    time.Time
	Until   time.Time // must be set: what is forgotten must end by itself
	Reason  string    // for people, in German; must be set
}
