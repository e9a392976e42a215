package events

import "strconv"

// v4Words are what ChirpStack v4 says of a cause, with the numbers of LogLevel and
// LogCode in integration.proto. The texts are those of chirpstack/src/uplink/data.rs and
// join.rs, and of downlink/data.rs and tx_ack.rs.
type v4Words struct {
	level, code uint64
	text        string // "" is Log.Text
}

const (
	v4Warning = 1
	v4Error   = 2
)

var (
	v4Levels = [...]string{"INFO", "WARNING", "ERROR"}
	v4Codes  = [...]string{
		"UNKNOWN", "DOWNLINK_PAYLOAD_SIZE", "UPLINK_CODEC", "DOWNLINK_CODEC", "OTAA", "UPLINK_F_CNT_RESET",
		"UPLINK_MIC", "UPLINK_F_CNT_RETRANSMISSION", "DOWNLINK_GATEWAY",
	}
)

// v4Say gives the words for a cause, false where ChirpStack v4 says nothing: a data frame
// whose MIC is wrong could be anybody's, and a downlink that cannot be queued leaves a
// line in the server's own log only.
func v4Say(c Cause) (v4Words, bool) {
	switch c {
	case CauseRepeat:
		return v4Words{v4Warning, 7, "Uplink was flagged as re-transmission / frame-counter did not increment"}, true
	case CauseReset:
		return v4Words{v4Warning, 5, "Frame-counter reset or rollover detected"}, true
	case CauseJoinMIC:
		return v4Words{v4Error, 6, "MIC of join-request is invalid, make sure keys are correct"}, true
	case CauseDevNonce:
		return v4Words{v4Error, 4, "DevNonce has already been used"}, true
	case CauseCodec:
		return v4Words{v4Error, 2, ""}, true
	case CauseSize:
		return v4Words{v4Error, 1, "Device queue-item discarded because it exceeds the max. payload size"}, true
	case CauseGateway:
		return v4Words{v4Error, 8, ""}, true
	}
	return v4Words{}, false
}

// v4Context are the particulars of a cause, in alphabetical order.
func v4Context(e *Log) []Tag {
	delivery := Tag{"deduplication_id", e.ID.String()}
	switch e.Cause {
	case CauseRepeat, CauseReset:
		return []Tag{delivery, {"f_cnt_up", strconv.FormatUint(uint64(e.FCnt), 10)}}
	case CauseDevNonce:
		return []Tag{delivery, {"dev_nonce", strconv.Itoa(int(e.DevNonce))}, {"join_eui", e.Device.JoinEUI.String()}}
	case CauseJoinMIC, CauseCodec:
		return []Tag{delivery}
	case CauseSize:
		return []Tag{
			{"item_size", strconv.Itoa(e.Size)},
			{"max_payload_size", strconv.Itoa(e.Max)},
			{"queue_item_id", e.Downlink.ID.String()},
		}
	}
	return nil
}

func (w v4Words) describe(e *Log) string {
	if w.text == "" {
		return e.Text
	}
	return w.text
}

func v4Log(b []byte, e *Log) []byte {
	w, said := v4Say(e.Cause)
	if !said {
		return b
	}
	b = v4Device(v4Time(b, `{"time":`, e.Time), e.Device)
	b = append(append(b, `,"level":"`...), v4Levels[w.level]...)
	b = append(append(b, `","code":"`...), v4Codes[w.code]...)
	b = appendString(append(b, `","description":`...), w.describe(e))
	b = v4Tags(append(b, `,"context":`...), v4Context(e))
	return append(b, '}')
}
