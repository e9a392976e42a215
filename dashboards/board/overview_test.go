package board

import (
	"fmt"
	"testing"

	"meldefunk/city"
)

// TestEqualAssetsKeepTheirOrder: a page that is asked for again must not shuffle what is
// equal, or an asset is on two pages and another on none.
func TestEqualAssetsKeepTheirOrder(t *testing.T) {
	for _, o := range orders() {
		var all []standing
		for i := range 500 {
			value := float64(i * 7 % 5)
			all = append(all, standing{place: i, asset: &city.Asset{Name: fmt.Sprint(value)}, state: &state{}, value: value})
		}
		arrange(all, o.Key)
		for i := 1; i < len(all); i++ {
			if all[i].value == all[i-1].value && all[i].place < all[i-1].place {
				t.Errorf("%s: asset %d comes after %d, which is its equal", o.Word, all[i].place, all[i-1].place)
				break
			}
		}
	}
}
