package sim

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"meldefunk/city"
	"meldefunk/city/lorawan"
	"meldefunk/firmware-sim/events"
	"meldefunk/firmware-sim/mac"
)

// gateway hears frames and hands them to the network server.
type gateway struct {
	events.Gateway
	name string // its EUI as faults name it
	gps  bool   // has satellite time
}

// gateways are spread over the city as a network operator might; all of them are made up.
// Their identifiers are local like those of the devices.
var gateways = []gateway{
	newGateway(1, "gw-rathaus", 52.2777, 8.0416, 96, true),
	newGateway(2, "gw-schoelerberg", 52.2496, 8.0722, 131, true),
	newGateway(3, "gw-westerberg", 52.2841, 8.0222, 112, true),
	newGateway(4, "gw-schinkel", 52.2815, 8.0801, 88, false),
	newGateway(5, "gw-sonnenhuegel", 52.2968, 8.0512, 104, true),
	newGateway(6, "gw-wueste", 52.2640, 8.0290, 79, false),
}

func newGateway(n byte, name string, lat, lon, altitude float64, gps bool) gateway {
	id := city.EUI{0x02, 0x4f, 0x53, 0xff, 0xfe, 0x10, 0x00, n}
	return gateway{
		Gateway: events.Gateway{ID: id, Name: name, Located: true, Position: city.Position{Lat: lat, Lon: lon}, Altitude: altitude},
		name:    id.String(), gps: gps,
	}
}

// gatewayNames are the gateways as faults name them.
func gatewayNames() []string {
	names := make([]string, len(gateways))
	for i := range gateways {
		names[i] = gateways[i].name
	}
	return names
}

// Radio figures. Path loss at 1 km and its exponent are of the size measured for LoRa in
// Oulu (Petäjäjärvi et al. 2015, "On the coverage of LPWANs", on land); the required SNR
// per spreading factor is that of the Semtech SX1276 data sheet. The others are plausible.
const (
	txPower      = 14.0  // dBm, the EU868 limit of most channels
	mounting     = 7.0   // dB lost in lids, kerbs and soil; plausible
	lossAt1km    = 129.0 // dB
	lossExponent = 2.3
	shadowing    = 6.0    // dB, one standard deviation between places; below the measured, for a dense network
	fading       = 2.5    // dB, one standard deviation between frames
	noiseFloor   = -114.0 // dBm: -174 dBm/Hz, 125 kHz, 6 dB noise figure, 3 dB of city
	bestSNR      = 12.5   // dB, where the chip's figure saturates
	adrMargin    = 8.0    // dB kept by whoever sets the first data rate of a device
	most         = 3      // gateways told of per frame
)

// requiredSNR in dB, by spreading factor from 7.
var requiredSNR = [6]float64{-7.5, -10, -12.5, -15, -17.5, -20}

// gatewayChannel is what a gateway listens to.
type gatewayChannel struct {
	frequency uint32 // Hz
	rfChain   uint8  // which of its two radios
}

// concentrator is how a gateway of EU868 is set up, as ChirpStack does.
var concentrator = [8]gatewayChannel{
	{868_100_000, 1}, {868_300_000, 1}, {868_500_000, 1},
	{867_100_000, 0}, {867_300_000, 0}, {867_500_000, 0}, {867_700_000, 0}, {867_900_000, 0},
}

// link is how a place is heard: the gateways in range, best first, and the spreading
// factor its device begins with.
type link struct {
	paths []path // never empty
	sf    uint8
}

type path struct {
	gateway *gateway
	signal  float64 // dBm at txPower, mean
}

func newLink(rng *rand.Rand, at city.Position) link {
	paths := make([]path, len(gateways))
	for i := range gateways {
		g := &gateways[i]
		km := max(0.05, distance(at, g.Position)/1000)
		loss := lossAt1km + 10*lossExponent*math.Log10(km) + rng.NormFloat64()*shadowing
		paths[i] = path{gateway: g, signal: txPower - mounting - loss}
	}
	slices.SortFunc(paths, func(a, b path) int {
		if a.signal > b.signal {
			return -1
		}
		return 1
	})
	l := link{paths: paths[:most], sf: 12}
	for i, required := range requiredSNR {
		if snr(paths[0].signal) >= required+adrMargin {
			l.sf = uint8(7 + i)
			break
		}
	}
	return l
}

func snr(signal float64) float64 { return min(bestSNR, signal-noiseFloor) }

// heard is a frame at one gateway.
type heard struct {
	gateway *gateway
	events.Reception
}

// receive appends who hears a transmission. The best gateway that listens always does:
// lost frames are drawn elsewhere, or a fault's work.
func (l *link) receive(rng *rand.Rand, t *mac.Transmission, deaf func(*gateway) bool, all []heard) []heard {
	channel := slices.IndexFunc(concentrator[:], func(c gatewayChannel) bool { return c.frequency == t.Frequency })
	if channel < 0 {
		return all // a frequency that no gateway listens to
	}
	required := requiredSNR[max(7, t.Modulation.SpreadingFactor)-7]
	end := t.Start.Add(t.Airtime)
	first := true
	for i := range l.paths {
		p := &l.paths[i]
		signal := p.signal + float64(t.Power) - txPower + rng.NormFloat64()*fading
		latency := span(rng, 20*time.Millisecond, 80*time.Millisecond)
		uplink, counter, id := rng.Uint32(), rng.Uint32(), events.NewUUID(rng.Uint64(), rng.Uint64())
		if deaf(p.gateway) {
			continue
		}
		quality := snr(signal)
		if !first && quality < required {
			continue
		}
		first = false
		r := heard{gateway: p.gateway, Reception: events.Reception{
			Gateway: &p.gateway.Gateway, Uplink: uplink, ID: id,
			Received: end.Add(latency), Timestamp: counter,
			RSSI: int16(math.Round(signal)), SNR: float32(round(max(quality, required), 4)), // the chip counts in quarters
			Channel: uint8(channel), RFChain: concentrator[channel].rfChain, CRC: events.CRCOK,
		}}
		if p.gateway.gps {
			r.Time, r.GPS = end.Truncate(time.Microsecond), true
		}
		all = append(all, r)
	}
	return all
}

// radioOf is how a transmission is on air, as network servers tell it.
func radioOf(frequency uint32, dataRate uint8, m lorawan.DataRate) events.Radio {
	return events.Radio{Frequency: frequency, DataRate: dataRate, SpreadingFactor: m.SpreadingFactor, Bandwidth: m.Bandwidth}
}
