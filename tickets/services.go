package tickets

// Service is a category of tickets. Its code is ours; what a ticket system calls it is
// in that system's service map.
type Service struct {
	Code  string // "OS-" group "-" number; never given to something else
	Name  string // German
	Group string // German: whom it is routed to
	// Untimed marks bays whose occupancy can belong to one person: their tickets, which
	// a ticket system may publish, do not tell when a vehicle came or left.
	Untimed bool
}

// Services lists every category.
func Services() []Service {
	return []Service{
		{Code: "OS-ABF-01", Name: "Papierkorb voll", Group: "Abfall"},
		{Code: "OS-ABF-02", Name: "Papierkorb umgekippt oder bewegt", Group: "Abfall"},
		{Code: "OS-ABF-03", Name: "Unterflur- oder Großbehälter voll", Group: "Abfall"},
		{Code: "OS-ABF-10", Name: "Altglascontainer voll", Group: "Abfall"},
		{Code: "OS-ABF-11", Name: "Altkleider- oder Altpapiercontainer voll", Group: "Abfall"},
		{Code: "OS-ABF-20", Name: "Gartenabfallplatz: Container voll", Group: "Abfall"},
		{Code: "OS-ABF-30", Name: "Hundekotbeutel-Spender leer", Group: "Abfall"},
		{Code: "OS-GRN-01", Name: "Straßenbaum: Bewässerung nötig", Group: "Grün"},
		{Code: "OS-GRN-02", Name: "Grünanlage trocken", Group: "Grün"},
		{Code: "OS-GRN-03", Name: "Pflanzkübel oder Beet trocken", Group: "Grün"},
		{Code: "OS-GRN-04", Name: "Staunässe am Baumstandort", Group: "Grün"},
		{Code: "OS-PRK-01", Name: "E-Ladeplatz dauerbelegt", Group: "Parken"},
		{Code: "OS-PRK-02", Name: "Behindertenparkplatz dauerbelegt", Group: "Parken", Untimed: true},
		{Code: "OS-PRK-03", Name: "Ladezone oder Rettungsweg belegt", Group: "Parken"},
		{Code: "OS-SEN-01", Name: "Sensor ohne Signal", Group: "Sensorik"},
		{Code: "OS-SEN-02", Name: "Sensor unplausibel", Group: "Sensorik"},
		{Code: "OS-SEN-03", Name: "Sensor: Batterie schwach", Group: "Sensorik"},
		{Code: "OS-SEN-04", Name: "Sensor beschädigt oder entwendet", Group: "Sensorik"},
		{Code: "OS-GWY-01", Name: "Gateway ausgefallen", Group: "Sensorik"},
	}
}

// FindService gives the category with this code; false where there is none.
func FindService(code string) (Service, bool) {
	for _, s := range Services() {
		if s.Code == code {
			return s, true
		}
	}
	return Service{}, false
}
