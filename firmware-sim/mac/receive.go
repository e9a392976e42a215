package mac

import (
	"errors"
	"fmt"
	"time"

	"meldefunk/city/lorawan"
)

// Reception is a downlink that reaches the device's antenna.
type Reception struct {
	PHYPayload []byte
	Window     uint8   // 1 or 2
	SNR        float64 // dB
}

// Delivery is what a downlink brings.
type Delivery struct {
	Joined bool // there is a new session

	Data    bool // the application gets Payload, which may be empty
	Port    uint8
	Payload []byte

	Acked bool   // the last confirmed Message has arrived
	Tag   uint64 // its name

	Time time.Time // answers AskTime: when that uplink ended; zero without
	Link Link      // answers AskLink; zero without
}

// Link is how well an uplink was heard.
type Link struct {
	Margin   uint8 // dB above what was needed
	Gateways uint8
}

// The errors of Receive, beside lorawan.ErrMIC. None of them changes anything but Stats.
var (
	ErrUnheard = errors.New("the device does not listen now")
	ErrForeign = errors.New("the frame is not for this device")
	ErrCounter = errors.New("the frame counter was used before, or jumps too far")
	ErrNonce   = errors.New("the JoinNonce was used before")
)

// windowSlack is how much too early or late a frame may begin: firmware opens its windows
// that much wider, for its clock's error.
const windowSlack = 20 * time.Millisecond

// Receive hands the device a frame that begins at now, in a window of the last Transmission.
// The device is busy with it until it ends. An error says why it was ignored.
func (d *Device) Receive(now time.Time, r Reception) (Delivery, error) {
	t := at(now)
	if !d.on || !d.x.listens(t, r.Window) {
		d.stats.Unheard++
		return Delivery{}, fmt.Errorf("device %s, window %d: %w", d.devEUI, r.Window, ErrUnheard)
	}
	typ, err := lorawan.TypeOf(r.PHYPayload)
	if err != nil {
		d.stats.Malformed++
		return Delivery{}, fmt.Errorf("device %s: %w", d.devEUI, err)
	}
	var out Delivery
	switch {
	case typ == lorawan.JoinAcceptType && (d.x.kind == join || d.x.kind == rejoin):
		out, err = d.receiveJoin(t, r)
	case typ.IsData() && typ.Direction() == lorawan.Down && d.mem.Joined:
		out, err = d.receiveData(t, r)
	default:
		err = fmt.Errorf("device %s: a %s: %w", d.devEUI, typ, ErrForeign)
	}
	d.count(err)
	return out, err
}

// listens tells whether a window is open for frames that begin at t.
func (x *exchange) listens(t instant, window uint8) bool {
	if !x.open || window < 1 || window > 2 {
		return false
	}
	opens := x.rx1
	if window == 2 {
		opens = x.rx2()
	}
	return opens.add(-windowSlack) <= t && t <= opens.add(listening(x.rxDR[window-1])+windowSlack)
}

// count counts a frame that was ignored.
func (d *Device) count(err error) {
	switch {
	case err == nil:
	case errors.Is(err, lorawan.ErrMIC):
		d.stats.BadMIC++
	case errors.Is(err, ErrCounter):
		d.stats.BadCounter++
	case errors.Is(err, ErrNonce):
		d.stats.BadNonce++
	case errors.Is(err, ErrForeign):
		d.stats.Foreign++
	default:
		d.stats.Malformed++
	}
}

func (d *Device) receiveJoin(t instant, r Reception) (Delivery, error) {
	if err := d.acceptJoin(r.PHYPayload); err != nil {
		return Delivery{}, err
	}
	d.heard(t, r)
	d.x.more = false
	return Delivery{Joined: true}, nil
}

// heard closes the windows: the frame is listened to until its end, and after one in the
// first there is no second (L2 1.0.4 section 3.3).
func (d *Device) heard(t instant, r Reception) {
	x := &d.x
	i := r.Window - 1
	onAir := downAirtime(x.rxDR[i], len(r.PHYPayload))
	over := onAir - listening(x.rxDR[i])
	if i == 0 {
		over -= listening(x.rxDR[1])
	}
	d.spend(rxCurrent, over)
	x.open = false
	d.ready = t.add(onAir)
}

// receiveData takes a data frame.
func (d *Device) receiveData(t instant, r Reception) (Delivery, error) {
	f, next, err := d.verify(r.PHYPayload)
	if err != nil {
		return Delivery{}, err
	}
	commands, err := d.mem.Session.Commands(f)
	if err != nil {
		return Delivery{}, fmt.Errorf("device %s: %w", d.devEUI, err)
	}
	var out Delivery
	if f.HasPort && f.FPort > 0 {
		out.Data, out.Port = true, f.FPort
		if out.Payload, err = d.mem.Session.Payload(f); err != nil {
			return Delivery{}, fmt.Errorf("device %s: %w", d.devEUI, err)
		}
	}
	*next = f.FCnt + 1
	d.stats.Downlinks++
	d.adrCount, d.held = 0, false
	d.heard(t, r)
	d.answers.heard()
	d.acknowledged(f, &out)
	if f.MType == lorawan.ConfirmedDown {
		d.ackOwed, d.ackFCnt = true, f.FCnt
	}
	d.obey(commands, r.SNR, &out)
	if f.FCtrl.Pending || d.answers.n > lorawan.MaxFOpts || d.repeats() {
		d.urgent = true
	}
	if d.urgent || d.ackOwed {
		d.ready = d.ready.add(d.between(0, answerSpread))
	}
	d.carryOn()
	return out, nil
}

// answerSpread is how long the device waits at most before it sends a frame only to answer.
const answerSpread = 2 * time.Second

// repeats tells whether among the answers are some that are repeated until a downlink: the
// sooner that comes the better, because settings hang on it.
func (d *Device) repeats() bool {
	all, _, _ := lorawan.ParseCommands(lorawan.Up, d.answers.bytes())
	for _, c := range all {
		if sticky(c) {
			return true
		}
	}
	return false
}

// verify proves a frame, and gives the counter it belongs to.
func (d *Device) verify(frame []byte) (lorawan.Data, *uint32, error) {
	f, err := lorawan.ParseData(frame)
	if err != nil {
		return f, nil, fmt.Errorf("device %s: %w", d.devEUI, err)
	}
	s := &d.mem.Session
	if f.DevAddr != s.DevAddr {
		return f, nil, fmt.Errorf("device %s: address %s, not %s: %w", d.devEUI, f.DevAddr, s.DevAddr, ErrForeign)
	}
	next := &d.mem.FCntDown
	if s.Version == lorawan.V1_1 && f.HasPort && f.FPort > 0 {
		next = &d.mem.AFCntDown
	}
	full := lorawan.FullFCnt(*next, uint16(f.FCnt))
	if full < *next || s.Version == lorawan.V1_0_3 && full-*next >= lorawan.MaxFCntGap || full == 1<<32-1 {
		return f, nil, fmt.Errorf("device %s: frame %d, want one from %d on: %w", d.devEUI, full, *next, ErrCounter)
	}
	f, err = s.Verify(frame, full, lorawan.Binding{ConfFCnt: d.x.fcnt})
	if err != nil {
		return f, nil, fmt.Errorf("device %s: %w", d.devEUI, err)
	}
	return f, next, nil
}

// acknowledged ends the repetitions of what a downlink answers: of a confirmed frame the
// acknowledgement, since 1.0.4 any downlink (L2 1.0.4 section 4.3.1.3), and of an unconfirmed
// one any.
func (d *Device) acknowledged(f lorawan.Data, out *Delivery) {
	x := &d.x
	if x.kind != data {
		return
	}
	confirmed := x.carries && x.msg.Confirmed
	if f.FCtrl.ACK && confirmed {
		x.acked, out.Acked, out.Tag = true, true, x.msg.Tag
	}
	if x.acked || !confirmed || d.version != lorawan.V1_0_3 {
		x.more = false
	}
}

// carryOn fits what is left to repeat to the settings that a downlink may have changed.
func (d *Device) carryOn() {
	x := &d.x
	if !x.more {
		return
	}
	x.dr = d.mem.P.DataRate
	x.again = max(x.again, d.ready)
	if x.size() > dataOverhead+(eu868{}).MaxPayload(x.dr) {
		x.more = false
	}
}
