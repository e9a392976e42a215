package city

// Fault is something a sensor reports about itself, or that its frame shows, in place of
// a value. A fault is never turned into a number.
type Fault string

// The faults.
const (
	FaultNoSensor     Fault = "no_sensor"     // the probe is not connected
	FaultProbe        Fault = "probe_broken"  // the probe answers with an error code
	FaultTooClose     Fault = "too_close"     // nearer than the sensor can measure
	FaultNoEcho       Fault = "no_echo"       // blind, or nothing in range
	FaultImplausible  Fault = "implausible"   // outside the physical range of the quantity
	FaultUncalibrated Fault = "uncalibrated"  // no fill level: the asset has no calibration
	FaultOutOfScale   Fault = "out_of_scale"  // fill level capped: distance beyond the calibrated range
	FaultUnparsedTail Fault = "unparsed_tail" // some bytes of the frame were not understood
)
