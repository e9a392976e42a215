package sensorthings

import (
	"context"

	"meldefunk/city"
)

// Source is where readings are kept. It is asked from many goroutines, with a ctx that ends
// when the visitor leaves or after Options.Patience.
type Source interface {
	// Samples gives one quantity of the readings of an asset, as the query says, also of those
	// that do not have it.
	Samples(ctx context.Context, q city.SampleQuery) ([]city.Sample, error)

	// CountSamples counts the samples that have the quantity, at most q.Limit.
	CountSamples(ctx context.Context, q city.SampleQuery) (int, error)

	// ReadingsAfter gives readings with rising numbers above id, at most limit.
	ReadingsAfter(ctx context.Context, id int64, limit int) ([]city.Reading, error)
}

// Inventory is what hangs where. It is called on every request, must not block, and what it
// returns is not changed: another inventory is another slice.
type Inventory interface {
	Assets() []*city.Asset
	Devices(asset string) []*city.Device
}
