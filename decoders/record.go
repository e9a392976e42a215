package decoders

import (
	"time"

	"meldefunk/city"
)

// remembering is a layout whose frames may hold records of the device's memory. They are
// counted before they are read, so that all of a reading's values are allocated at once, and
// all of its records.
type remembering interface {
	// remembers tells whether any frame can hold records.
	remembers() bool
	// memory counts the records of a frame and the values they have at most, computed ones
	// included.
	memory(payload []byte) (records, values int)
}

// Records older than oldestRecord are of a clock that was never set: LoRaWAN 1.0 is of
// January 2015.
const oldestRecord = 1_420_070_400 // 2015-01-01 00:00 UTC

// addRecord adds what read puts into r to the history instead, as measured at a Unix time in
// seconds; values is how many it puts at most. What follows for the same time belongs to the
// same record, because a device has one reading of a time. An impossible time makes a fault,
// and the record is dropped: without its time it is worth nothing.
func addRecord(r *city.Reading, at uint32, values int, read func()) {
	if at < oldestRecord {
		fault(r, city.FaultClock)
		return
	}
	past := recordOf(r, int64(at))
	if past == nil {
		r.History = append(r.History, city.Record{
			Time:   time.Unix(int64(at), 0).UTC(),
			Values: roomForRecord(r, values+computed),
		})
		past = &r.History[len(r.History)-1]
	}
	present, faults := r.Values, r.Faults
	r.Values, r.Faults = past.Values, past.Faults
	read()
	past.Values, past.Faults = r.Values, r.Faults
	r.Values, r.Faults = present, faults
}

// recordOf is the record of a time, nil for none.
func recordOf(r *city.Reading, at int64) *city.Record {
	for i := len(r.History) - 1; i >= 0; i-- {
		if r.History[i].Time.Unix() == at {
			return &r.History[i]
		}
	}
	return nil
}

// roomForRecord takes room off the far end of the values' capacity, where Decode has put it.
func roomForRecord(r *city.Reading, values int) []city.Value {
	end := cap(r.Values)
	begin := end - values
	if begin < len(r.Values) {
		return make([]city.Value, 0, values)
	}
	past := r.Values[begin:begin:end]
	r.Values = r.Values[:len(r.Values):begin]
	return past
}
