package network

import "fmt"

// Reason says why a frame was refused, or what was wrong with one that was not.
type Reason uint8

// Why a frame is refused.
const (
	Malformed      Reason = iota + 1 // not a frame, or not one that a device sends
	UnknownDevice                    // no such DevEUI is registered
	UnknownAddress                   // no session has this DevAddr
	WrongJoinEUI                     // not the one the device is registered with
	WrongNetID                       // the rejoin-request is for another network
	BadMIC                           // another key, another counter, or damaged
	NonceUsed                        // DevNonce or RJcount was used before
	CounterBack                      // the frame counter is lower than the last one
	CounterReused                    // another frame with the counter of the last one
	CounterGap                       // the frame counter is too far ahead (1.0.3)
	WrongRadio                       // a channel or data rate that the device has not
	TooLong                          // more bytes than the data rate allows
	BadPort                          // a port for future use
	NotJoining                       // a join or rejoin from a device that does not do that

	// What is wrong with a frame that is accepted none the less.

	// What is wrong with a frame that is accepted none the less.
	BadCommand     // MAC commands that cannot be read, or that the version has not
	UnaskedAnswer  // the answer to a MAC command that was not sent
	AnswerRefused  // the device does not want what was asked; lawful, and worth knowing
	UnaskedACK     // an ACK, but no confirmed downlink was sent
	MissingRekey   // the first frame of a 1.1 session without RekeyInd
	DownlinkTooBig // a queued payload fits neither window and was dropped
	NoAnswer       // a MAC command was sent eight times and never answered
	NoKey          // a queued payload cannot be encrypted and was dropped

	reasons
)

var reasonNames = [reasons]string{
	Malformed:      "malformed",
	UnknownDevice:  "unknown device",
	UnknownAddress: "unknown address",
	WrongJoinEUI:   "wrong JoinEUI",
	WrongNetID:     "wrong NetID",
	BadMIC:         "bad MIC",
	NonceUsed:      "nonce used before",
	CounterBack:    "counter went back",
	CounterReused:  "counter used twice",
	CounterGap:     "counter too far ahead",
	WrongRadio:     "wrong channel or data rate",
	TooLong:        "too long",
	BadPort:        "reserved port",
	NotJoining:     "does not join",
	BadCommand:     "bad MAC command",
	UnaskedAnswer:  "answer to nothing",
	AnswerRefused:  "request refused by the device",
	UnaskedACK:     "ACK of nothing",
	MissingRekey:   "RekeyInd is missing",
	DownlinkTooBig: "downlink too big",
	NoAnswer:       "no answer",
	NoKey:          "no key for the payload",
}

// String gives the reason in a few words; it is fit to be a metric label.
func (r Reason) String() string {
	if r > 0 && r < reasons {
		return reasonNames[r]
	}
	return "unknown"
}

// Complaint is one thing that is wrong, and with what.
type Complaint struct {
	Reason Reason
	Detail string
}

func (c Complaint) Error() string { return fmt.Sprintf("%s: %s", c.Reason, c.Detail) }

// refuse fills in the result of a frame that is not accepted. The detail is made by the
// caller only here, where it is needed.
func (s *Server) refuse(res *Result, reason Reason, format string, args ...any) {
	res.Kind = Refused
	s.fault(res, reason, format, args...)
}

// fault notes what is wrong with a frame that is accepted.
func (s *Server) fault(res *Result, reason Reason, format string, args ...any) {
	s.counts[reason]++
	res.Complaints = append(res.Complaints, Complaint{reason, fmt.Sprintf(format, args...)})
}
