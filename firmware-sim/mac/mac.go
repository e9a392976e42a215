// Package mac is the LoRaWAN stack of one end device of class A in Europe (EU868), as its
// firmware has it: it joins, queues what the application wants to say, chooses channels
// within the duty cycle, repeats, answers the network's commands, and takes downlinks.
//
// It is a state machine. It has no clock, no radio and no goroutine: its caller asks Next
// when it wants to be called, lets it Transmit then, carries the frame through whatever air
// there is, and hands it what is sent in its receive windows. It does not know gateways,
// network servers, or what its payloads mean. A Device is for one goroutine.
//
// Sections are cited as in package lorawan. SX1276 is the data sheet of Semtech's radio of
// that name, revision 7.
package mac

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"meldefunk/city"
	"meldefunk/city/lorawan"
)

// eu868 is the band all devices are in.
type eu868 = lorawan.EU868

// Identity is who a device is, and the keys it was born with.
type Identity struct {
	Version         lorawan.Version
	DevEUI, JoinEUI city.EUI
	AppKey          lorawan.Key // OTAA; in 1.0 the only root key
	NwkKey          lorawan.Key // OTAA of 1.1
	// ABP is the session of a device that never joins; nil for OTAA. Its Version must be
	// the device's. New copies it.
	ABP *lorawan.Session
}

// Profile is how a firmware was built. Devices share it; it must not change once one of
// them uses it.
type Profile struct {
	ADR bool // the network sets data rate and power
	// DataRate, 0 to 5, is that of the first join-request (every second one after it is a
	// step slower, and then from the start again), of the first frame of an ABP device, and
	// without ADR of every frame.
	DataRate uint8
	Memory   Memory
	Queue    int // payloads that wait while they cannot be sent; 0 means 1
	// KeepUnacknowledged puts confirmed payloads that were not acknowledged back into the
	// queue, until there is something else to send or the network is heard again.
	KeepUnacknowledged bool

	// What an ABP device is set to, and an OTAA device until it has joined. Zero values are
	// those of the band.
	RXDelay      uint8    // seconds until RX1, 0 to 15; 0 means 1
	RX1DROffset  uint8    // 0 to 5
	RX2DataRate  uint8    // 0 to 7
	RX2Frequency uint32   // Hz; 0 means 869.525 MHz
	Channels     []uint32 // Hz, up to 13, beside the three of the band
}

// Memory is what outlives a restart.
type Memory uint8

// What firmware keeps.
const (
	// KeepsSession: all. The device goes on where it was.
	KeepsSession Memory = iota
	// KeepsNonces: what the specifications demand, the nonces of joins and the counters of
	// ABP. Settings are lost; an OTAA device joins again.
	KeepsNonces
	// KeepsNothing: cheap firmware. ABP counters and DevNonces begin anew, which networks
	// rightly refuse.
	KeepsNothing
)

// Device is an end device. Make it with New, switch it on with Boot.
type Device struct {
	devEUI, joinEUI city.EUI
	appKey, nwkKey  lorawan.Key
	profile         *Profile
	rng             *rand.Rand
	mem             memory
	duty            duty
	version         lorawan.Version
	abp             bool
	on              bool
	used            bool  // it was on before, if not in this process
	battery         uint8 // as DevStatusAns tells it

	// What a restart loses.
	queue     []Message
	held      bool // the queue waits for something to happen
	x         exchange
	ready     instant // before it nothing new is sent
	answers   answers
	urgent    bool   // there is something to tell without waiting for a payload
	bare      bool   // the last uplink was commands alone because they did not fit
	ackOwed   bool   // the last downlink was confirmed
	ackFCnt   uint32 // its counter
	adrCount  uint32 // uplinks since the last downlink
	rekeys    uint8  // RekeyInds since the join
	joining   joining
	rejoining rejoining

	charge float64 // mA·s
	stats  Stats
}

// New makes a device that is switched off. rng is used whenever the device is called, so
// that its behaviour follows from the seed. It fails if identity or profile cannot be.
func New(id Identity, p *Profile, rng *rand.Rand) (*Device, error) {
	if err := id.check(); err != nil {
		return nil, fmt.Errorf("device %s: %w", id.DevEUI, err)
	}
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("device %s: %w", id.DevEUI, err)
	}
	d := &Device{
		version: id.Version, devEUI: id.DevEUI, joinEUI: id.JoinEUI, appKey: id.AppKey, nwkKey: id.NwkKey,
		abp: id.ABP != nil, profile: p, rng: rng, battery: 255,
	}
	if d.abp {
		d.mem.Session = *id.ABP
	}
	d.mem.forget(d, KeepsNothing)
	return d, nil
}

func (id *Identity) check() error {
	switch v := id.Version; {
	case v != lorawan.V1_0_3 && v != lorawan.V1_0_4 && v != lorawan.V1_1:
		return fmt.Errorf("version %s: want 1.0.3, 1.0.4 or 1.1", v)
	case id.ABP != nil && id.ABP.Version != v:
		return fmt.Errorf("the session is of version %s, the device of %s", id.ABP.Version, v)
	case id.ABP != nil && (id.ABP.FNwkSIntKey.IsZero() || id.ABP.SNwkSIntKey.IsZero() || id.ABP.NwkSEncKey.IsZero() || id.ABP.AppSKey.IsZero()):
		return errors.New("the session lacks keys: want FNwkSIntKey, SNwkSIntKey and NwkSEncKey (1.0: NwkSKey for all) and AppSKey")
	case id.ABP == nil && id.AppKey.IsZero():
		return errors.New("no AppKey: give one, or the session of an ABP device")
	case id.ABP == nil && v == lorawan.V1_1 && id.NwkKey.IsZero():
		return errors.New("no NwkKey, which a device of 1.1 joins with")
	}
	return nil
}

func (p *Profile) check() error {
	switch {
	case p.DataRate > 5:
		return fmt.Errorf("data rate %d: want 0 to 5, which the channels of the band carry", p.DataRate)
	case p.Memory > KeepsNothing:
		return fmt.Errorf("memory %d is not known", p.Memory)
	case p.Queue < 0:
		return fmt.Errorf("a queue of %d: want 0 or more", p.Queue)
	case p.RXDelay > 15 || p.RX1DROffset > 5 || p.RX2DataRate > lorawan.EU868MaxDR:
		return fmt.Errorf("RXDelay %d, RX1DROffset %d, RX2DataRate %d: want at most 15, 5, %d", p.RXDelay, p.RX1DROffset, p.RX2DataRate, lorawan.EU868MaxDR)
	case p.RX2Frequency != 0 && !hears(p.RX2Frequency):
		return fmt.Errorf("RX2 at %d Hz: want 863 to 870 MHz", p.RX2Frequency)
	case len(p.Channels) > maxChannels-3:
		return fmt.Errorf("%d channels: want at most %d", len(p.Channels), maxChannels-3)
	}
	for _, hz := range p.Channels {
		if _, ok := bandOf(hz); !ok {
			return fmt.Errorf("channel at %d Hz: it lies in no sub-band in which sensors may send", hz)
		}
	}
	return nil
}

// bootSpread is how long a device waits at most before its first join-request: after a power
// cut a whole street comes back in one second (L2 1.0.4 section 7).
const bootSpread = 10 * time.Second

// Boot switches the device on, or restarts it: what its profile's Memory does not keep is
// lost, its queue too. What the law counts, the time on air, is not: it knows no restarts.
func (d *Device) Boot(now time.Time) {
	t := at(now)
	if d.used {
		d.mem.forget(d, d.profile.Memory)
	}
	*d = Device{
		version: d.version, devEUI: d.devEUI, joinEUI: d.joinEUI, appKey: d.appKey, nwkKey: d.nwkKey,
		abp: d.abp, profile: d.profile, rng: d.rng, battery: d.battery,
		mem: d.mem, duty: d.duty, charge: d.charge, stats: d.stats,
		on: true, used: true, ready: t,
	}
	d.rejoining.since = t
	d.startJoining(t)
}

// Join forgets the session and asks for a new one, as after a press of the button that
// firmware has for it. What is queued is kept. It does nothing on ABP devices and on those
// that are switched off.
func (d *Device) Join(now time.Time) {
	if !d.on || d.abp {
		return
	}
	d.giveUp()
	d.leave(max(at(now), d.ready))
}

// leave ends the session, so that the device joins from t on.
func (d *Device) leave(t instant) {
	d.mem.Joined = false
	d.rejoining = rejoining{since: t}
	d.startJoining(t)
}

// Off switches the device off. Until Boot nothing is sent or heard.
func (d *Device) Off() {
	d.giveUp()
	d.on = false
}

// SetBattery sets what the device tells of its battery: 0 for mains, 1 (empty) to 254
// (full), 255 if it cannot measure, which is how it begins.
func (d *Device) SetBattery(level uint8) { d.battery = level }

// AskTime puts a question for the network's time into the next uplink (L2 1.0.4
// section 5.9). The answer comes as Delivery.Time.
func (d *Device) AskTime() { d.answers.add(lorawan.DeviceTimeReq{}) }

// AskLink puts a question how well the device is heard into the next uplink
// (L2 1.0.4 section 5.1). The answer comes as Delivery.Link.
func (d *Device) AskLink() { d.answers.add(lorawan.LinkCheckReq{}) }

// Session gives the session; false while there is none.
func (d *Device) Session() (lorawan.Session, bool) { return d.mem.Session, d.mem.Joined }

// DataRate gives the number of the data rate of the next uplink.
func (d *Device) DataRate() uint8 { return d.mem.P.DataRate }

// instant is a time in nanoseconds since 1970, a third of the size of time.Time.
type instant int64

// never is after all times.
const never = instant(1<<63 - 1)

func at(t time.Time) instant { return instant(t.UnixNano()) }

func (t instant) add(d time.Duration) instant { return t + instant(d) }

func (t instant) time() time.Time { return time.Unix(0, int64(t)).UTC() }

// between draws a duration from low to high.
func (d *Device) between(low, high time.Duration) time.Duration {
	return low + time.Duration(d.rng.Int64N(int64(high-low)+1))
}
