package city

// Asset is a thing of the city that a sensor watches: a bin, a tree, a parking bay.
type Asset struct {
	ID       string // the city's own number, "PK-0042"
	Kind     Kind
	Name     string // as people call it, "Papierkorb Domhof 4"
	Address  string
	Position *Position // nil: not surveyed
	District string
	Tour     string
	Bin      *BinCalibration // nil: fill level cannot be computed
}

// Position is WGS 84, degrees.
type Position struct{ Lat, Lon float64 }

// BinCalibration turns distance into fill level for a container of constant cross
// section. All lengths in mm, measured along the sensor's axis.
type BinCalibration struct {
	Empty  float64 // distance from the sensor to the empty container's bottom
	Full   float64 // distance at which the container counts as full, less than Empty
	Offset float64 // added to every measured distance: a sensor mounted deeper is positive
}

// Device is a sensor: which model it is and on which asset it hangs.
type Device struct {
	DevEUI EUI
	Model  string // "milesight/em310-udl": the key of the decoder table
	Asset  string // Asset.ID
	Server string // only this network server's messages count; "": any
}
