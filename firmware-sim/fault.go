package sim

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"meldefunk/city"
)

// FaultKind is a way in which something goes wrong.
type FaultKind string

// The kinds. Size is explained where a kind uses it.
const (
	// What a sensor measures.
	FaultStuck FaultKind = "stuck" // the value of the beginning is repeated
	FaultNoise FaultKind = "noise" // Size: standard deviation in the unit of the quantity; of a yes or no the share of wrong answers, to 1
	FaultBlind FaultKind = "blind" // nothing is measured, the device says so its way
	FaultSpike FaultKind = "spike" // now and then the value is off by Size, either way
	FaultDrift FaultKind = "drift" // Size: by how much the value wanders off in a day

	// What becomes of a device.
	FaultSilence  FaultKind = "silence"       // says nothing
	FaultDeath    FaultKind = "battery_death" // says nothing from From on
	FaultTheft    FaultKind = "theft"         // hangs askew and moves, then says nothing
	FaultClock    FaultKind = "clock"         // Size: seconds that its own clock is wrong
	FaultReboot   FaultKind = "reboot"        // starts anew at From and joins
	FaultRejoin   FaultKind = "rejoin"        // joins at From
	FaultCounters FaultKind = "counter_reset" // its frame counter begins at 0 again at From, without a join

	// What becomes of frames on their way.
	FaultLoss      FaultKind = "loss"      // Rate: share of frames that no gateway hears
	FaultDuplicate FaultKind = "duplicate" // Rate: share of messages delivered more than once, Size times in all
	FaultLate      FaultKind = "late"      // messages are kept back and come in one burst at the end

	// Gateways.
	FaultGateway  FaultKind = "gateway_outage"  // hears nothing
	FaultBackhaul FaultKind = "backhaul_outage" // hears, keeps and delivers in one burst at the end
	FaultGPS      FaultKind = "gateway_clock"   // Size: seconds that its time is wrong

	// Payloads that no firmware sends.
	FaultRandom    FaultKind = "random_payload"    // random bytes of the right length
	FaultTruncated FaultKind = "truncated_payload" // the end is missing
	FaultPort      FaultKind = "wrong_port"        // another FPort
	FaultHuge      FaultKind = "huge_payload"      // as long as the data rate allows
)

// faultFacts say what a kind is about and what it takes.
type faultFacts struct {
	kind    FaultKind
	gateway bool // strikes gateways, not devices
	size    bool // needs Size
	most    float64
	episode EpisodeKind // "" where the world is not different
}

var faultTable = []faultFacts{
	{kind: FaultStuck, episode: DeviceStuck},
	{kind: FaultNoise, size: true, most: 1e5, episode: DeviceNoisy},
	{kind: FaultBlind, episode: DeviceBlind},
	{kind: FaultSpike, size: true, most: 1e5, episode: DeviceSpiking},
	{kind: FaultDrift, size: true, most: 1e5, episode: DeviceDrifting},
	{kind: FaultSilence, episode: DeviceSilent},
	{kind: FaultDeath, episode: DeviceDead},
	{kind: FaultTheft, episode: DeviceStolen},
	{kind: FaultClock, size: true, most: 1e9},
	{kind: FaultReboot},
	{kind: FaultRejoin},
	{kind: FaultCounters},
	{kind: FaultLoss},
	{kind: FaultDuplicate, size: true, most: 100},
	{kind: FaultLate},
	{kind: FaultGateway, gateway: true},
	{kind: FaultBackhaul, gateway: true},
	{kind: FaultGPS, gateway: true, size: true, most: 1e9},
	{kind: FaultRandom},
	{kind: FaultTruncated},
	{kind: FaultPort},
	{kind: FaultHuge},
}

func (k FaultKind) facts() *faultFacts {
	for i := range faultTable {
		if faultTable[i].kind == k {
			return &faultTable[i]
		}
	}
	return nil
}

// UnmarshalText reads the name of a kind.
func (k *FaultKind) UnmarshalText(b []byte) error {
	if FaultKind(b).facts() == nil {
		return fmt.Errorf("unknown fault %.40q: want one of %v", b, faultKinds())
	}
	*k = FaultKind(b)
	return nil
}

func faultKinds() []FaultKind {
	kinds := make([]FaultKind, len(faultTable))
	for i := range faultTable {
		kinds[i] = faultTable[i].kind
	}
	return kinds
}

// Fault goes wrong on demand: what, with whom, when.
type Fault struct {
	Kind FaultKind `yaml:"kind"`

	// With whom: named ones, or a share drawn from the seed, of one kind of assets or all.
	Devices  []string  `yaml:"devices"`  // DevEUIs or names of assets
	Gateways []string  `yaml:"gateways"` // 16 hex digits
	Share    float64   `yaml:"share"`    // above 0 to 1
	Of       city.Kind `yaml:"of"`       // with Share: bin, soil or parking; left out: any

	// When, counted from the beginning of the play.
	From  time.Duration `yaml:"from"`
	For   time.Duration `yaml:"for"`   // 0: to the end
	Every time.Duration `yaml:"every"` // again after this time, longer than For; 0: once

	Rate float64 `yaml:"rate"` // share of frames that it happens to meanwhile; 0: all
	Size float64 `yaml:"size"` // as Kind has it
}

// Validate returns every problem, joined.
func (f Fault) Validate() error {
	facts := f.Kind.facts()
	if facts == nil {
		return fmt.Errorf("kind is %.40q: want one of %v", string(f.Kind), faultKinds())
	}
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf(string(f.Kind)+": "+format, args...))
	}
	if !(f.Share >= 0 && f.Share <= 1) { // written so that NaN fails
		bad("share is %v: want above 0 to 1", f.Share)
	}
	named := len(f.Devices) + len(f.Gateways)
	switch {
	case named == 0 && f.Share == 0:
		bad("nobody is struck: give share, or name %s", either(facts.gateway, "gateways", "devices"))
	case named > 0 && f.Share != 0:
		bad("both share and names are given: want one of them")
	case facts.gateway && len(f.Devices) > 0:
		bad("devices are named: this strikes gateways")
	case !facts.gateway && len(f.Gateways) > 0:
		bad("gateways are named: this strikes devices")
	}
	if f.Of != city.KindUnknown && (facts.gateway || f.Share == 0) {
		bad("of is %s: it goes with share, and with devices", f.Of)
	}
	const longest = 10 * hoursPerYear * time.Hour
	if f.From < 0 || f.From > longest {
		bad("from is %s: want 0 to %s", f.From, longest)
	}
	if f.For < 0 || f.For > longest {
		bad("for is %s: want 0 to %s", f.For, longest)
	}
	if f.Every != 0 && (f.For == 0 || f.Every <= f.For || f.Every > longest) {
		bad("every is %s: want more than for, which is %s and must be given", f.Every, f.For)
	}
	if f.Every != 0 && (f.Kind == FaultDeath || f.Kind == FaultTheft) || f.For != 0 && f.Kind == FaultDeath {
		bad("for and every are given: there is no way back")
	}
	if !(f.Rate >= 0 && f.Rate <= 1) {
		bad("rate is %v: want above 0 to 1", f.Rate)
	}
	switch {
	case facts.size && !(f.Size != 0 && math.Abs(f.Size) <= facts.most):
		bad("size is %v: want a number other than 0, to %v", f.Size, facts.most)
	case facts.size && f.Size < 0 && (f.Kind == FaultNoise || f.Kind == FaultSpike):
		bad("size is %v: want more than 0", f.Size)
	case f.Kind == FaultDuplicate && (f.Size < 2 || f.Size != math.Trunc(f.Size)):
		bad("size is %v: want how often the message is delivered, 2 to %v", f.Size, facts.most)
	case !facts.size && f.Size != 0:
		bad("size is %v: this has none", f.Size)
	}
	return errors.Join(errs...)
}

func either(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

// strike is one fault at work.
type strike struct {
	*Fault
	number   int       // of the fault
	from, to time.Time // to: zero without end
}

// faultPlan is which faults strike whom and when, in one play. It does not change.
type faultPlan struct {
	faults   []Fault
	seed     uint64
	begin    time.Time
	devices  map[city.EUI][]int // numbers of the faults, rising
	gateways map[string][]int
}

// newFaultPlan draws who is struck. Faults must be valid. An error says which name is
// none of this city's.
func newFaultPlan(faults []Fault, seed uint64, begin time.Time, sites []*site, gateways []string) (*faultPlan, error) {
	p := &faultPlan{faults: faults, seed: seed, begin: begin,
		devices: map[city.EUI][]int{}, gateways: map[string][]int{}}
	var errs []error
	for number := range faults {
		f := &faults[number]
		switch {
		case f.Kind.facts().gateway && f.Share > 0:
			for _, i := range p.draw(number, len(gateways), func(i int) uint64 { return textNumber(gateways[i]) }) {
				p.gateways[gateways[i]] = append(p.gateways[gateways[i]], number)
			}
		case f.Share > 0:
			among := slices.DeleteFunc(slices.Clone(sites), func(s *site) bool {
				return f.Of != city.KindUnknown && s.asset.Kind != f.Of
			})
			for _, i := range p.draw(number, len(among), func(i int) uint64 { return euiNumber(among[i].device.DevEUI) }) {
				id := among[i].device.DevEUI
				p.devices[id] = append(p.devices[id], number)
			}
		}
		for _, name := range f.Gateways {
			if !slices.Contains(gateways, name) {
				errs = append(errs, fmt.Errorf("fault %d, %s: gateway %.40q is not in this city: want one of %v", number+1, f.Kind, name, gateways))
				continue
			}
			p.gateways[name] = append(p.gateways[name], number)
		}
	}
	return p, errors.Join(append(errs, p.strikeNamed(sites))...)
}

// strikeNamed enters the devices that faults name.
func (p *faultPlan) strikeNamed(sites []*site) error {
	byName := make(map[string]city.EUI, 2*len(sites))
	for _, s := range sites {
		byName[s.device.DevEUI.String()] = s.device.DevEUI
		if !s.unknown {
			byName[s.asset.ID] = s.device.DevEUI
		}
	}
	var errs []error
	for number := range p.faults {
		for _, name := range p.faults[number].Devices {
			id, known := byName[name]
			if !known {
				errs = append(errs, fmt.Errorf("fault %d, %s: %.40q is not in this city: want a DevEUI of 16 hex digits, or an asset like PK-0001",
					number+1, p.faults[number].Kind, name))
				continue
			}
			p.devices[id] = append(p.devices[id], number)
		}
	}
	for id, numbers := range p.devices {
		slices.Sort(numbers)
		p.devices[id] = slices.Compact(numbers) // a device may be named twice
	}
	return errors.Join(errs...)
}

// draw takes the fault's share of n, rounded up, by lot.
func (p *faultPlan) draw(fault, n int, id func(int) uint64) []int {
	all := make([]int, n)
	lots := make([]float64, n)
	for i := range all {
		all[i], lots[i] = i, lot(p.seed+uint64(fault), lotFault, id(i))
	}
	slices.SortStableFunc(all, func(a, b int) int { return cmp.Compare(lots[a], lots[b]) })
	return all[:int(math.Ceil(p.faults[fault].Share*float64(n)))]
}

func euiNumber(id city.EUI) uint64 {
	var x uint64
	for _, b := range id {
		x = x<<8 | uint64(b)
	}
	return x
}

// device tells whether a fault of a kind is at work on a device at t. It does not ask Rate.
func (p *faultPlan) device(kind FaultKind, id city.EUI, t time.Time) (strike, bool) {
	if p == nil {
		return strike{}, false
	}
	return p.active(kind, p.devices[id], t)
}

// gateway tells whether a fault of a kind is at work on a gateway at t.
func (p *faultPlan) gateway(kind FaultKind, id string, t time.Time) (strike, bool) {
	if p == nil {
		return strike{}, false
	}
	return p.active(kind, p.gateways[id], t)
}

func (p *faultPlan) active(kind FaultKind, numbers []int, t time.Time) (strike, bool) {
	for _, number := range numbers {
		if p.faults[number].Kind == kind {
			if s, now := p.at(number, t); now {
				return s, true
			}
		}
	}
	return strike{}, false
}

// at is the time of a fault around t, when there is one.
func (p *faultPlan) at(number int, t time.Time) (strike, bool) {
	f := &p.faults[number]
	s := strike{Fault: f, number: number, from: p.begin.Add(f.From)}
	if t.Before(s.from) {
		return s, false
	}
	if f.Every > 0 {
		s.from = s.from.Add(t.Sub(s.from).Truncate(f.Every))
	}
	if f.For > 0 {
		s.to = s.from.Add(f.For)
		return s, t.Before(s.to)
	}
	return s, true
}

// hits tells whether it happens to the frame of a device at t: by lot, Rate of them.
func (p *faultPlan) hits(s strike, id city.EUI, t time.Time) bool {
	return s.Rate == 0 || lot(p.seed+uint64(s.number), lotStrike, euiNumber(id)^uint64(t.UnixNano())) < s.Rate
}

// next is the first strike of a kind that begins on a device after t; false when none does.
// For what happens at a moment: reboot, rejoin, counter reset.
func (p *faultPlan) next(kind FaultKind, id city.EUI, t time.Time) (first strike, ok bool) {
	if p == nil {
		return strike{}, false
	}
	for _, number := range p.devices[id] {
		f := &p.faults[number]
		if f.Kind != kind {
			continue
		}
		s := strike{Fault: f, number: number, from: p.begin.Add(f.From)}
		if !s.from.After(t) {
			if f.Every == 0 {
				continue
			}
			s.from = s.from.Add(t.Sub(s.from).Truncate(f.Every) + f.Every)
		}
		if f.For > 0 {
			s.to = s.from.Add(f.For)
		}
		if !ok || s.from.Before(first.from) {
			first, ok = s, true
		}
	}
	return first, ok
}

// episodes emits what the faults make of the devices of sites until the end of the play,
// site by site.
func (p *faultPlan) episodes(sites []*site, end time.Time, emit func(Episode)) {
	for _, s := range sites {
		for _, number := range p.devices[s.device.DevEUI] {
			f := &p.faults[number]
			kind := f.Kind.facts().episode
			if kind == "" {
				continue
			}
			for from := p.begin.Add(f.From); from.Before(end); from = from.Add(f.Every) {
				e := Episode{Kind: kind, Asset: s.asset.ID, Device: s.device.DevEUI, From: from}
				if f.For > 0 && from.Add(f.For).Before(end) {
					e.To = from.Add(f.For)
				}
				emit(e)
				if f.Every == 0 {
					break
				}
			}
		}
	}
}
