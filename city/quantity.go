package city

import "fmt"

// Quantity is something a device measures. Its unit is part of its meaning: a value is
// always in Unit(), whatever the device sent.
type Quantity uint8

// The quantities. Ranges are those of Range.
const (
	QuantityUnknown Quantity = iota
	FillLevel                // % of the asset's usable height, from calibration
	Distance                 // mm from sensor to contents
	Tilt                     // bool: the sensor does not hang upright
	SoilMoisture             // % volumetric water content
	SoilTemperature          // °C
	Conductivity             // µS/cm
	Occupied                 // bool: a vehicle stands in the bay
	Temperature              // °C at the device
	BatteryVoltage           // V
	BatteryLevel             // %
	BatteryLow               // bool: the device itself calls its battery low

	// Bins and tanks.
	Distance2        // mm, second of several distance probes
	Distance3        // mm, third
	DistanceMin      // mm, lowest of the samples behind Distance
	DistanceMax      // mm, highest
	DistanceMedian   // mm, middle
	DistanceChange   // mm, the jump that made the device report
	EchoStrength     // how strong the echo was, on the sensor's own scale
	Samples          // how many valid samples are behind the value
	LevelAlarm       // bool: the device's own threshold for full, or for its distance
	FireAlarm        // bool: the device's own threshold for heat
	TiltAngle        // degrees from upright
	WaterLevel       // mm of water above the probe
	WaterPressure    // bar at the probe, relative to the device's reference
	WaterTemperature // °C at the probe
	Leak             // bool: water where none should be

	// Soil. A probe with several depths has one quantity per depth, the shallowest first and
	// without number.
	SoilTension         // kPa suction, positive: 0 is saturated
	UsableFieldCapacity // % of nFK, from calibration
	SoilTemperature2    // °C, second depth; the others follow
	SoilTemperature3
	SoilTemperature4
	SoilTemperature5
	SoilTemperature6
	SoilTemperature7
	SoilTemperature8
	SoilMoistureIndex // the probe's own scale, no volumetric water content
	SoilMoistureIndex2
	SoilMoistureIndex3
	SoilMoistureIndex4
	SoilMoistureIndex5
	SoilMoistureIndex6
	SoilMoistureIndex7
	SoilMoistureIndex8
	Permittivity        // relative dielectric constant of the soil
	SoilMoistureRaw     // counts of the probe before its own calibration
	ConductivityRaw     // counts likewise
	SoilFrequency       // Hz of a capacitive probe
	SoilThermistor      // mV over a soil thermistor
	WatermarkFrequency  // Hz of a resistive tension probe
	WatermarkFrequency2 // Hz, second depth

	// Parking.
	PreviousDuration // min that the state before the present one lasted, as the device counts it itself
	OccupiedSince    // s since 1970 UTC: event time since when Occupied is as it is, computed on the road
	FormerDuration   // min that the opposite of Occupied lasted, computed at the reading that shows the change
	Count            // the device's own running counter: vehicles, openings, pulses

	// Air and weather.
	ProbeTemperature // °C of an attached or inner probe, beside Temperature
	Humidity         // % relative
	Pressure         // hPa of the air, at the place
	CO2              // ppm
	TVOC             // ppb
	Ozone            // ppb
	Formaldehyde     // ppb
	PM1              // µg/m³
	PM25             // µg/m³
	PM4              // µg/m³
	PM10             // µg/m³
	Noise            // dB(A)
	Illuminance      // lx
	UVIndex
	SolarRadiation // W/m²
	WindSpeed      // m/s
	WindGust       // m/s, highest since the last report
	WindDirection  // degrees, 0 from the north
	Rain           // mm since the last report
	RainTotal      // mm, a counter that the device may reset
	RainRate       // mm/h
	Lightning      // strikes since the last report

	// People, doors, vehicles.
	PeoplePresent // in view now
	PeopleIn      // counted, first line; a counter that the device may reset
	PeopleIn2
	PeopleIn3
	PeopleIn4
	PeopleOut
	PeopleOut2
	PeopleOut3
	PeopleOut4
	PeopleInLately  // since the last report
	PeopleOutLately // since the last report
	DoorOpen        // bool
	Tampered        // bool: the device was opened or taken off
	Latitude        // degrees, WGS 84
	Longitude       // degrees, WGS 84
	Speed           // km/h

	// Lamps and meters.
	DimLevel // % of a lamp's full light
	Power    // W
	Energy   // kWh, a meter's counter
	Volume   // m³, a meter's counter
	quantityCount
)

// Depths and lines are quantities of their own, and not a second field of Value, because
// everything that keeps, judges or shows a value knows it by its quantity alone: "each
// quantity at most once" stays true, and a rule can name the depth it means.

type quantityFacts struct {
	name, unit string
	min, max   float64
	boolean    bool
}

// Ranges are physical limits with room for real devices, not alarm thresholds: a value
// outside means that the frame was misread or the probe is broken.
var quantities = [quantityCount]quantityFacts{
	QuantityUnknown: {name: "unknown"},
	FillLevel:       {name: "fill_level", unit: "%", min: 0, max: 100},
	Distance:        {name: "distance", unit: "mm", min: 0, max: 50_000},
	Tilt:            {name: "tilt", max: 1, boolean: true},
	SoilMoisture:    {name: "soil_moisture", unit: "%", min: 0, max: 100},
	SoilTemperature: {name: "soil_temperature", unit: "°C", min: -50, max: 90},
	Conductivity:    {name: "conductivity", unit: "µS/cm", min: 0, max: 65_000},
	Occupied:        {name: "occupied", max: 1, boolean: true},
	Temperature:     {name: "temperature", unit: "°C", min: -60, max: 125},
	BatteryVoltage:  {name: "battery_voltage", unit: "V", min: 0, max: 60},
	BatteryLevel:    {name: "battery_level", unit: "%", min: 0, max: 100},
	BatteryLow:      {name: "battery_low", max: 1, boolean: true},

	Distance2:        {name: "distance_2", unit: "mm", min: 0, max: 50_000},
	Distance3:        {name: "distance_3", unit: "mm", min: 0, max: 50_000},
	DistanceMin:      {name: "distance_min", unit: "mm", min: 0, max: 50_000},
	DistanceMax:      {name: "distance_max", unit: "mm", min: 0, max: 50_000},
	DistanceMedian:   {name: "distance_median", unit: "mm", min: 0, max: 50_000},
	DistanceChange:   {name: "distance_change", unit: "mm", min: -50_000, max: 50_000},
	EchoStrength:     {name: "echo_strength", min: -200, max: 65_535},
	Samples:          {name: "samples", min: 0, max: 65_535},
	LevelAlarm:       {name: "level_alarm", max: 1, boolean: true},
	FireAlarm:        {name: "fire_alarm", max: 1, boolean: true},
	TiltAngle:        {name: "tilt_angle", unit: "°", min: -180, max: 360},
	WaterLevel:       {name: "water_level", unit: "mm", min: -1000, max: 300_000},
	WaterPressure:    {name: "water_pressure", unit: "bar", min: -1, max: 30},
	WaterTemperature: {name: "water_temperature", unit: "°C", min: -20, max: 100},
	Leak:             {name: "leak", max: 1, boolean: true},

	// Suction from saturated to air-dry soil, which is 1 GPa by convention; probes end at 100 MPa.
	SoilTension:         {name: "soil_tension", unit: "kPa", min: 0, max: 100_000},
	UsableFieldCapacity: {name: "usable_field_capacity", unit: "%", min: 0, max: 100},
	SoilTemperature2:    {name: "soil_temperature_2", unit: "°C", min: -50, max: 90},
	SoilTemperature3:    {name: "soil_temperature_3", unit: "°C", min: -50, max: 90},
	SoilTemperature4:    {name: "soil_temperature_4", unit: "°C", min: -50, max: 90},
	SoilTemperature5:    {name: "soil_temperature_5", unit: "°C", min: -50, max: 90},
	SoilTemperature6:    {name: "soil_temperature_6", unit: "°C", min: -50, max: 90},
	SoilTemperature7:    {name: "soil_temperature_7", unit: "°C", min: -50, max: 90},
	SoilTemperature8:    {name: "soil_temperature_8", unit: "°C", min: -50, max: 90},
	// 0 counts, index -5, are a depth that is not there.
	SoilMoistureIndex:  {name: "soil_moisture_index", min: -4.998, max: 126},
	SoilMoistureIndex2: {name: "soil_moisture_index_2", min: -4.998, max: 126},
	SoilMoistureIndex3: {name: "soil_moisture_index_3", min: -4.998, max: 126},
	SoilMoistureIndex4: {name: "soil_moisture_index_4", min: -4.998, max: 126},
	SoilMoistureIndex5: {name: "soil_moisture_index_5", min: -4.998, max: 126},
	SoilMoistureIndex6: {name: "soil_moisture_index_6", min: -4.998, max: 126},
	SoilMoistureIndex7: {name: "soil_moisture_index_7", min: -4.998, max: 126},
	SoilMoistureIndex8: {name: "soil_moisture_index_8", min: -4.998, max: 126},
	// Vacuum is 1, water at 0 °C is 88: nothing in the ground is above.
	Permittivity:        {name: "permittivity", min: 1, max: 90},
	SoilMoistureRaw:     {name: "soil_moisture_raw", min: 0, max: 65_535},
	ConductivityRaw:     {name: "conductivity_raw", min: 0, max: 65_535},
	SoilFrequency:       {name: "soil_frequency", unit: "Hz", min: 0, max: 1_000_000},
	SoilThermistor:      {name: "soil_thermistor", unit: "mV", min: 0, max: 10_000},
	WatermarkFrequency:  {name: "watermark_frequency", unit: "Hz", min: 0, max: 100_000},
	WatermarkFrequency2: {name: "watermark_frequency_2", unit: "Hz", min: 0, max: 100_000},

	PreviousDuration: {name: "previous_duration", unit: "min", min: 0, max: 16_777_215},
	OccupiedSince:    {name: "occupied_since", unit: "s", min: 0, max: 4_102_444_800}, // until the year 2100
	FormerDuration:   {name: "former_duration", unit: "min", min: 0, max: 16_777_215},
	Count:            {name: "count", min: 0, max: 4_294_967_295},

	ProbeTemperature: {name: "probe_temperature", unit: "°C", min: -60, max: 125},
	Humidity:         {name: "humidity", unit: "%", min: 0, max: 100},
	// From the top of the Alps in a storm to the highest ever measured.
	Pressure:       {name: "pressure", unit: "hPa", min: 500, max: 1100},
	CO2:            {name: "co2", unit: "ppm", min: 0, max: 40_000},
	TVOC:           {name: "tvoc", unit: "ppb", min: 0, max: 65_535},
	Ozone:          {name: "ozone", unit: "ppb", min: 0, max: 10_000},
	Formaldehyde:   {name: "formaldehyde", unit: "ppb", min: 0, max: 10_000},
	PM1:            {name: "pm1", unit: "µg/m³", min: 0, max: 5000},
	PM25:           {name: "pm2_5", unit: "µg/m³", min: 0, max: 5000},
	PM4:            {name: "pm4", unit: "µg/m³", min: 0, max: 5000},
	PM10:           {name: "pm10", unit: "µg/m³", min: 0, max: 5000},
	Noise:          {name: "noise", unit: "dB(A)", min: 0, max: 140},
	Illuminance:    {name: "illuminance", unit: "lx", min: 0, max: 200_000},
	UVIndex:        {name: "uv_index", min: 0, max: 20},
	SolarRadiation: {name: "solar_radiation", unit: "W/m²", min: 0, max: 1800},
	WindSpeed:      {name: "wind_speed", unit: "m/s", min: 0, max: 115},
	WindGust:       {name: "wind_gust", unit: "m/s", min: 0, max: 115},
	WindDirection:  {name: "wind_direction", unit: "°", min: 0, max: 360},
	Rain:           {name: "rain", unit: "mm", min: 0, max: 500},
	RainTotal:      {name: "rain_total", unit: "mm", min: 0, max: 100_000_000},
	RainRate:       {name: "rain_rate", unit: "mm/h", min: 0, max: 2000},
	Lightning:      {name: "lightning", min: 0, max: 65_535},

	PeoplePresent:   {name: "people_present", min: 0, max: 65_535},
	PeopleIn:        {name: "people_in", min: 0, max: 4_294_967_295},
	PeopleIn2:       {name: "people_in_2", min: 0, max: 4_294_967_295},
	PeopleIn3:       {name: "people_in_3", min: 0, max: 4_294_967_295},
	PeopleIn4:       {name: "people_in_4", min: 0, max: 4_294_967_295},
	PeopleOut:       {name: "people_out", min: 0, max: 4_294_967_295},
	PeopleOut2:      {name: "people_out_2", min: 0, max: 4_294_967_295},
	PeopleOut3:      {name: "people_out_3", min: 0, max: 4_294_967_295},
	PeopleOut4:      {name: "people_out_4", min: 0, max: 4_294_967_295},
	PeopleInLately:  {name: "people_in_lately", min: 0, max: 65_535},
	PeopleOutLately: {name: "people_out_lately", min: 0, max: 65_535},
	DoorOpen:        {name: "door_open", max: 1, boolean: true},
	Tampered:        {name: "tampered", max: 1, boolean: true},
	Latitude:        {name: "latitude", unit: "°", min: -90, max: 90},
	Longitude:       {name: "longitude", unit: "°", min: -180, max: 180},
	Speed:           {name: "speed", unit: "km/h", min: 0, max: 1000},

	DimLevel: {name: "dim_level", unit: "%", min: 0, max: 100},
	Power:    {name: "power", unit: "W", min: 0, max: 1_000_000},
	Energy:   {name: "energy", unit: "kWh", min: 0, max: 100_000_000},
	Volume:   {name: "volume", unit: "m³", min: 0, max: 100_000_000},
}

// Quantities lists every quantity.
func Quantities() []Quantity {
	all := make([]Quantity, 0, quantityCount-1)
	for q := QuantityUnknown + 1; q < quantityCount; q++ {
		all = append(all, q)
	}
	return all
}

func (q Quantity) facts() *quantityFacts {
	if q >= quantityCount {
		return &quantities[QuantityUnknown]
	}
	return &quantities[q]
}

// String is the quantity's name in configuration, storage and metrics.
func (q Quantity) String() string { return q.facts().name }

// Unit is the unit as people write it, or "" for yes-or-no and dimensionless quantities.
func (q Quantity) Unit() string { return q.facts().unit }

// Boolean tells whether the value is yes or no, carried as 1 or 0.
func (q Quantity) Boolean() bool { return q.facts().boolean }

// Range gives the physically possible values, both ends included, in Unit().
func (q Quantity) Range() (min, max float64) { f := q.facts(); return f.min, f.max }

// ParseQuantity reads a name as String gives it.
func ParseQuantity(s string) (Quantity, error) {
	for _, q := range Quantities() {
		if s == q.String() {
			return q, nil
		}
	}
	return QuantityUnknown, fmt.Errorf("unknown quantity %.40q: want one of %v", s, Quantities())
}

// UnmarshalText reads what ParseQuantity reads.
func (q *Quantity) UnmarshalText(b []byte) error {
	v, err := ParseQuantity(string(b))
	if err != nil {
		return err
	}
	*q = v
	return nil
}

// MarshalText gives the name.
func (q Quantity) MarshalText() ([]byte, error) { return []byte(q.String()), nil }

// Value is one measured quantity. Zero is a value like any other: what was not measured
// is absent from a reading, never 0.
type Value struct {
	Quantity Quantity
	Number   float64 // in Quantity.Unit(); 1 or 0 where Quantity.Boolean()
}

// Bool makes the number of a yes-or-no quantity.
func Bool(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
