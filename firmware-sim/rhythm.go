package sim

// rhythm is when something is done at a setting: factors with mean 1 over the day and
// over the week, from midnight and from Sunday.
type rhythm struct {
	hours [24]float64
	days  [7]float64
}

// rhythms of throwing things away. Plausible: shops by day, schools and stations in the
// morning and afternoon, homes in the evening, parks in the late afternoon and on Sunday.
var rhythms = [...]rhythm{
	centre: {
		hours: [24]float64{.4, .3, .2, .1, .1, .2, .4, .7, .9, 1, 1.3, 1.6, 2, 1.9, 1.7, 1.7, 1.8, 1.8, 1.6, 1.3, 1, .8, .7, .5},
		days:  [7]float64{.7, .9, .9, .9, 1, 1.2, 1.4},
	},
	stop: {
		hours: [24]float64{.2, .1, .1, .1, .2, .5, 1.2, 2.1, 1.6, 1.1, 1.1, 1.2, 1.5, 1.8, 1.6, 1.7, 1.9, 1.8, 1.3, .9, .7, .6, .4, .3},
		days:  [7]float64{.5, 1.15, 1.15, 1.15, 1.15, 1.2, .7},
	},
	homes: {
		hours: [24]float64{.2, .1, .1, .1, .1, .3, .8, 1.3, 1.1, 1, 1.1, 1.2, 1.3, 1.2, 1.1, 1.2, 1.4, 1.8, 2.1, 2, 1.6, 1.2, .9, .8},
		days:  [7]float64{1.1, .95, .9, .9, .95, 1, 1.2},
	},
	green: {
		hours: [24]float64{.5, .3, .2, .1, .1, .1, .3, .5, .6, .7, .9, 1.1, 1.3, 1.5, 1.7, 1.9, 2, 2, 1.9, 1.8, 1.6, 1.3, 1, .6},
		days:  [7]float64{1.7, .7, .7, .7, .8, 1.1, 1.3},
	},
}
