package mac

// Stats counts what happened to a device since New.
type Stats struct {
	JoinRequests   uint32 // sent, rejoin-requests among them
	Joins          uint32 // join-accepts taken
	Uplinks        uint32 // data frames, each counter once
	Repetitions    uint32 // of data frames
	Unacknowledged uint32 // confirmed payloads given up
	Dropped        uint32 // payloads that found no room in the queue
	Downlinks      uint32 // data frames taken

	// Frames heard and ignored.
	Unheard    uint32 // outside of the receive windows
	Malformed  uint32
	Foreign    uint32 // for another device, or upwards
	BadMIC     uint32
	BadCounter uint32 // repeats, and jumps too far
	BadNonce   uint32 // join-accepts played again
}

// Stats gives the counts.
func (d *Device) Stats() Stats { return d.stats }
