package api

import (
	"slices"
	"strings"

	"meldefunk/city"
)

// assetBody is an asset as it is told.
type assetBody struct {
	ID       string        `json:"id"`
	Kind     string        `json:"kind"`
	Name     string        `json:"name"`
	Address  string        `json:"address,omitempty"`
	Position *positionBody `json:"position,omitempty"`
	District string        `json:"district,omitempty"`
	Tour     string        `json:"tour,omitempty"`
	Owner    string        `json:"owner,omitempty"`
	Species  string        `json:"species,omitempty"`
	SoilType string        `json:"soil_type,omitempty"`
}

// positionBody is WGS 84, degrees.
type positionBody struct {
	Lat float64 `json:"lat"`
	Lon float64 `json:"lon"`
}

func positionOf(p *city.Position) *positionBody {
	if p == nil {
		return nil
	}
	return &positionBody{p.Lat, p.Lon}
}

func bodyOfAsset(a *city.Asset) assetBody {
	return assetBody{
		ID: a.ID, Kind: a.Kind.String(), Name: a.Name, Address: a.Address, Position: positionOf(a.Position),
		District: a.District, Tour: a.Tour, Owner: a.Owner, Species: a.Species, SoilType: a.SoilType,
	}
}

// chosen are the assets that a request wants, by number, behind its cursor, and one more than
// its limit where there are more.
func (a *API) chosen(c call, fits func(*city.Asset) bool) (found []*city.Asset, limit int, err error) {
	if limit, err = c.query.limit(); err != nil {
		return nil, 0, err
	}
	kind, err := c.query.kind()
	if err != nil {
		return nil, 0, err
	}
	after, err := c.query.cursor()
	if err != nil {
		return nil, 0, err
	}
	district, tour, text := c.query.word("district"), c.query.word("tour"), strings.ToLower(c.query.word("q"))
	for _, one := range a.opt.Inventory.Assets() {
		switch {
		case one.ID <= after && after != "",
			kind != city.KindUnknown && one.Kind != kind,
			district != "" && one.District != district,
			tour != "" && one.Tour != tour,
			text != "" && !strings.Contains(strings.ToLower(one.ID+"\n"+one.Name+"\n"+one.Address), text),
			fits != nil && !fits(one):
		default:
			found = append(found, one)
		}
	}
	slices.SortFunc(found, func(x, y *city.Asset) int { return strings.Compare(x.ID, y.ID) })
	return found[:min(len(found), limit+1)], limit, nil
}

func (a *API) assets(c call) (any, error) {
	found, limit, err := a.chosen(c, nil)
	if err != nil {
		return nil, err
	}
	items, more := make([]assetBody, 0, limit), len(found) > limit
	for _, one := range found[:min(len(found), limit)] {
		items = append(items, bodyOfAsset(one))
	}
	return c.page(items, more, lastID(found, limit)), nil
}

// lastID is the number of the last asset on a page.
func lastID(found []*city.Asset, limit int) string {
	if len(found) == 0 {
		return ""
	}
	return found[min(len(found), limit)-1].ID
}

func (a *API) asset(c call) (any, error) {
	one, err := a.theAsset(c)
	if err != nil {
		return nil, err
	}
	return bodyOfAsset(one), nil
}

func (a *API) theAsset(c call) (*city.Asset, error) {
	one, there := a.opt.Inventory.Asset(c.path("id"))
	if !there {
		return nil, notFound("there is no such asset in the inventory; " + Base + "/assets lists all")
	}
	return one, nil
}
