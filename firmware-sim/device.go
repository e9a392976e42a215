package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"meldefunk/city"
)

// The models of the city, as the decoder table names them.
const (
	binModel  = "milesight/em310-udl"
	treeModel = "dragino/lse01"
	bayModel  = "bosch/tps110"
)

// Encoder makes payload bytes as a model's firmware would. It is called once per frame,
// from one goroutine per play, and must not block; the payload is read before the next
// call. A bay's frame is a heartbeat when it carries a temperature, else a change.
type Encoder interface {
	Encode(model string, values []city.Value) (port uint8, payload []byte, err error)
}

// profile is what the network server knows of a model.
type profile struct{ id, name string }

var profiles = map[string]profile{
	binModel:  {"5b0e2f7c-6f0e-4d3c-8a55-0c6f9a7d1e01", "em310-udl"},
	treeModel: {"5b0e2f7c-6f0e-4d3c-8a55-0c6f9a7d1e02", "dragino-lse01"},
	bayModel:  {"5b0e2f7c-6f0e-4d3c-8a55-0c6f9a7d1e03", "bosch-tps110"},
}

// When devices speak. The vendors' defaults differ (LSE01: 20 minutes); one reading per
// hour is what batteries of city sensors are usually set to.
const (
	period      = time.Hour
	jitter      = 3 * time.Minute  // either way, so that devices do not march in step
	bootWithin  = 25 * time.Minute // everybody has joined
	joinTakes   = 10 * time.Second // from the join to the first frame, at least
	joinTakesTo = time.Minute      // and at most
)

// sensor is a device in the course of time.
type sensor struct {
	site    *site
	place   place
	rng     *rand.Rand // radio and firmware; the place has its own
	weather weather

	joinTopic, upTopic string
	deviceInfo         []byte

	joined  bool
	devAddr uint32
	fCnt    uint32    // of the next frame
	clock   time.Time // when it speaks next by its own clock
	booted  time.Time
	dies    time.Time // zero: not in this play
	heard   time.Time // no frame is lost before
	charge  float64   // % at the boot
}

func newSensor(s *site, begin *start, rng *rand.Rand) *sensor {
	d := &sensor{
		site: s, place: s.begin(begin), rng: rng, weather: begin.weather,
		joinTopic:  eventTopic(s.device.DevEUI, "join"),
		upTopic:    eventTopic(s.device.DevEUI, "up"),
		deviceInfo: s.deviceInfo(),
		devAddr:    0x01000000 | rng.Uint32()&0xffffff, // of NetID 000000, for private networks
		charge:     between(rng, 55, 100),
	}
	d.booted = begin.at.Add(span(rng, time.Second, bootWithin))
	if s.role.inStory() {
		d.booted = begin.at.Add(span(rng, time.Second, storyBoot))
		d.heard = begin.at.Add(storyHeard)
	}
	if s.role == dying {
		d.dies = begin.at.Add(span(rng, firstDeath, lastDeath))
		d.charge = 6
	}
	d.clock = d.booted
	return d
}

// deviceInfo names the device as technicians do: by model and asset.
func (s *site) deviceInfo() []byte {
	p := profiles[s.device.Model]
	name, tags := p.name+"-"+s.asset.ID, map[string]string{"asset": s.asset.ID, "strasse": s.asset.Address}
	if s.unknown {
		name, tags = p.name+"-neu", map[string]string{"strasse": s.asset.Address}
	}
	return deviceInfo(p.id, p.name, name, s.device.DevEUI, tags)
}

// due is when the device does something next; false when its battery is at an end.
func (d *sensor) due() (time.Time, bool) {
	at := d.clock
	// What stirred before the first frame is told by that frame.
	if stirs := d.place.stirs(); d.fCnt > 0 && !stirs.IsZero() && stirs.Before(at) {
		at = stirs
	}
	return at, d.dies.IsZero() || at.Before(d.dies)
}

// speak measures at t, the moment due gave, and gives port and payload of the frame.
// values is room to work in.
func (d *sensor) speak(t time.Time, enc Encoder, values []city.Value) (port uint8, payload []byte, err error) {
	byClock := !t.Before(d.clock)
	if byClock {
		d.clock = t.Add(span(d.rng, period-jitter, period+jitter))
	}
	values = d.place.sense(t, values[:0])
	switch d.site.device.Model {
	case binModel:
		values = append(values, city.Value{Quantity: city.BatteryLevel, Number: round(d.battery(t), 1)})
	case treeModel:
		values = append(values, city.Value{Quantity: city.BatteryVoltage, Number: round(volts(d.battery(t)), 1000)})
	case bayModel:
		if byClock {
			values = append(values, city.Value{Quantity: city.Temperature, Number: round(d.weather.air(wall(t)), 1)})
		}
	}
	switch d.site.role {
	case blind:
		port, payload = blindFrame(d.battery(t))
	case brokenProbe:
		port, payload = brokenProbeFrame(volts(d.battery(t)))
	default:
		port, payload, err = enc.Encode(d.site.device.Model, values)
	}
	if err != nil {
		return 0, nil, fmt.Errorf("encode a frame of device %s (%s): %w", d.site.device.DevEUI, d.site.device.Model, err)
	}
	return port, payload, nil
}

// chargePerDay is what a day of hourly frames takes, in % of the battery: nine years.
const chargePerDay = 0.03

// battery is the charge left, in %.
func (d *sensor) battery(t time.Time) float64 {
	if !d.dies.IsZero() {
		return d.charge * max(0, d.dies.Sub(t).Seconds()/d.dies.Sub(d.booted).Seconds())
	}
	return clamp(d.charge-chargePerDay*t.Sub(d.booted).Hours()/24, 1, 100)
}

// volts of a lithium thionyl chloride cell under load: flat, 3.6 V when new.
func volts(charge float64) float64 { return 3.2 + 0.4*charge/100 }
