package lorawan

import (
	"fmt"
	"testing"
)

func TestNames(t *testing.T) {
	for want, got := range map[string]fmt.Stringer{
		"1.0.3": V1_0_3, "1.0.4": V1_0_4, "1.1": V1_1, "unknown": Version(0), "up": Up, "down": Down,
		"join-request": JoinRequestType, "proprietary": Proprietary, "confirmed data down": ConfirmedDown, "01020304": MIC{1, 2, 3, 4},
	} {
		if got.String() != want {
			t.Errorf("%#v is called %s, want %s", got, got, want)
		}
	}
	for typ := range MType(8) {
		down := typ == JoinAcceptType || typ == UnconfirmedDown || typ == ConfirmedDown
		if (typ.Direction() == Down) != down {
			t.Errorf("%s travels %s", typ, typ.Direction())
		}
		if typ.Confirmed() != (typ == ConfirmedUp || typ == ConfirmedDown) {
			t.Errorf("%s is confirmed: %v", typ, typ.Confirmed())
		}
	}
}
