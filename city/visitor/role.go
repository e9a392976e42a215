package visitor

import "fmt"

// Role is what a person is to the city. Roles are no ladder: a technician may calibrate what
// a dispatcher may not, and the other way round with tickets.
type Role string

// The roles.
const (
	Viewer     Role = "viewer"     // looks
	Crew       Role = "crew"       // empties, waters, repairs
	Dispatcher Role = "dispatcher" // decides who does that, and when
	Technician Role = "technician" // looks after sensors and radio
	Chief      Role = "admin"      // looks after the platform
)

// Roles are all, in the order they are told in.
func Roles() []Role { return []Role{Viewer, Crew, Dispatcher, Technician, Chief} }

// May is the table of what a role may do; nothing, for a role that there is not.
func (r Role) May() Permissions {
	switch r {
	case Viewer:
		return Permissions{ReadReadings, ReadTickets, ReadRules, ReadDevices, ReadSensorThings}
	case Crew:
		return append(Viewer.May(), WriteTours)
	case Dispatcher:
		return append(Viewer.May(), WriteTours, WriteTickets, WriteRules)
	case Technician:
		return append(Viewer.May(), ReadPlatform, WriteDevices)
	case Chief:
		return AllPermissions()
	}
	return nil
}

// German is the role as people of the city call it.
func (r Role) German() string {
	switch r {
	case Viewer:
		return "Ansicht"
	case Crew:
		return "Kolonne"
	case Dispatcher:
		return "Disposition"
	case Technician:
		return "Gerätetechnik"
	case Chief:
		return "Verwaltung"
	}
	return ""
}

// ParseRole reads a role.
func ParseRole(text string) (Role, error) {
	if r := Role(text); r.May() != nil {
		return r, nil
	}
	return "", fmt.Errorf("role %.40q: want one of %v", text, Roles())
}
