package sim

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"meldefunk/city"
)

// gateway hears frames and hands them to the network server.
type gateway struct {
	id       [8]byte
	position city.Position
	altitude float64 // m
	gnss     bool    // has satellite time
}

// gateways are spread over the city as a network operator might; all of them are made up.
// Their identifiers are local like those of the devices.
var gateways = []gateway{
	{id: gatewayID(1), position: city.Position{Lat: 52.2777, Lon: 8.0416}, altitude: 96, gnss: true},  // Rathaus
	{id: gatewayID(2), position: city.Position{Lat: 52.2496, Lon: 8.0722}, altitude: 131, gnss: true}, // Schölerberg
	{id: gatewayID(3), position: city.Position{Lat: 52.2841, Lon: 8.0222}, altitude: 112, gnss: true}, // Westerberg
	{id: gatewayID(4), position: city.Position{Lat: 52.2815, Lon: 8.0801}, altitude: 88, gnss: false}, // Schinkel
	{id: gatewayID(5), position: city.Position{Lat: 52.2968, Lon: 8.0512}, altitude: 104, gnss: true}, // Sonnenhügel
	{id: gatewayID(6), position: city.Position{Lat: 52.2640, Lon: 8.0290}, altitude: 79, gnss: false}, // Wüste
}

func gatewayID(n byte) [8]byte { return [8]byte{0x02, 0x4f, 0x53, 0xff, 0xfe, 0x10, 0x00, n} }

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
	adrMargin    = 8.0    // dB kept by the network server when it chooses a spreading factor
	most         = 3      // gateways told of per frame
)

// requiredSNR in dB, by spreading factor from 7.
var requiredSNR = [6]float64{-7.5, -10, -12.5, -15, -17.5, -20}

// channels of EU868 as ChirpStack sets up a gateway: frequency in Hz, and which of the
// two radios of the concentrator receives it.
var channels = [8]struct{ frequency, rfChain uint32 }{
	{868_100_000, 1}, {868_300_000, 1}, {868_500_000, 1},
	{867_100_000, 0}, {867_300_000, 0}, {867_500_000, 0}, {867_700_000, 0}, {867_900_000, 0},
}

// link is how a place is heard: the gateways in range, best first, and the spreading
// factor that adaptive data rate has settled on.
type link struct {
	paths []path // never empty
	sf    uint8
}

type path struct {
	gateway *gateway
	signal  float64 // dBm, mean
}

func newLink(rng *rand.Rand, at city.Position) link {
	paths := make([]path, len(gateways))
	for i := range gateways {
		g := &gateways[i]
		km := max(0.05, distance(at, g.position)/1000)
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

// reception is one frame at one gateway.
type reception struct {
	gateway  *gateway
	uplinkID uint32
	gwTime   time.Time // zero without satellite time
	nsTime   time.Time // arrival at the network server
	rssi     int       // dBm
	snr      float32   // dB
	channel  uint32
	rfChain  uint32
	context  uint32 // the concentrator's counter, µs
}

// receive appends who hears a frame sent at t on a channel. The best gateway always does:
// lost frames are drawn elsewhere.
func (l *link) receive(rng *rand.Rand, t time.Time, channel int, heard []reception) []reception {
	for i := range l.paths {
		p := &l.paths[i]
		signal := p.signal + rng.NormFloat64()*fading
		quality := snr(signal)
		if i > 0 && quality < requiredSNR[l.sf-7] {
			continue
		}
		r := reception{
			gateway:  p.gateway,
			uplinkID: rng.Uint32(),
			nsTime:   t.Add(span(rng, 20*time.Millisecond, 80*time.Millisecond)),
			rssi:     int(math.Round(signal)),
			snr:      float32(round(max(quality, requiredSNR[l.sf-7]), 4)), // the chip counts in quarters
			channel:  uint32(channel),
			rfChain:  channels[channel].rfChain,
			context:  rng.Uint32(),
		}
		if p.gateway.gnss {
			r.gwTime = t.Truncate(time.Microsecond)
		}
		heard = append(heard, r)
	}
	return heard
}
