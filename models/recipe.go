package models

import "reflect"

// Recipe is how a network is trained, with every default filled in. Everything
// in it is part of the configuration's identity.
type Recipe struct {
	Optimizer     string  `json:"optimizer"`     // adam, sgd, momentum or adadelta
	Momentum      float64 `json:"momentum"`      // momentum only, in [0, 1)
	Epsilon       float64 `json:"epsilon"`       // adam and adadelta only, > 0
	LearningRate  float64 `json:"learning_rate"` // > 0
	Schedule      string  `json:"schedule"`      // constant, cosine (to zero over Steps), step or exponential
	WeightDecay   float64 `json:"weight_decay"`  // >= 0, decoupled, on weights and not on biases
	Batch         int     `json:"batch"`         // images a step, >= 1
	Steps         int     `json:"steps"`         // >= 1
	Init          string  `json:"init"`          // paper, he or glorot
	Precision     string  `json:"precision"`     // float32, bfloat16 or tf32
	Order         string  `json:"order"`         // per_seed or shared
	Deterministic bool    `json:"deterministic"` // TensorFlow's deterministic kernels

	// Keys added later leave the configurations that do not use them unchanged.
	Quantize string   `json:"quantize,omitempty"` // "" or int8: quantization-aware training
	Teacher  *Teacher `json:"teacher,omitempty"`

	Every          int     `json:"every,omitempty"`           // schedules step and exponential: steps to a factor, >= 1
	Factor         float64 `json:"factor,omitempty"`          // schedules step (all at once) and exponential (bit by bit), in (0, 1)
	Warmup         int     `json:"warmup,omitempty"`          // steps in which the rate rises in proportion; 0: none
	Nesterov       bool    `json:"nesterov,omitempty"`        // momentum only
	LabelSmoothing float64 `json:"label_smoothing,omitempty"` // share of the target spread over all classes, in [0, 1)

	At           []int         `json:"at,omitempty"`            // schedule step, for Every: the steps at which it falls, ascending
	Rho          float64       `json:"rho,omitempty"`           // adadelta only: share of the averages that a step keeps, in (0, 1)
	EMA          float64       `json:"ema,omitempty"`           // share that a step keeps of averaged weights, in [0, 1); 0: none
	GradientClip float64       `json:"gradient_clip,omitempty"` // most that a gradient may measure (L2 norm), > 0; 0: any
	Select       string        `json:"select,omitempty"`        // best, or "": the weights after the last step
	ClassWeights *ClassWeights `json:"class_weights,omitempty"`
	Augment      *Augment      `json:"augment,omitempty"`
}

// Augment says how far training images are changed at random, each anew at every
// step. Positions are shares of the image's height or width, brightness those of
// the range from black to white. 0 leaves a kind out.
type Augment struct {
	Shift       float64 `json:"shift,omitempty"`      // up or down, left or right, by whole pixels; in [0, 0.5]
	Rotate      float64 `json:"rotate,omitempty"`     // degrees, either way; in [0, 180]
	Scale       float64 `json:"scale,omitempty"`      // sizes from 1-Scale to 1+Scale; in [0, 0.9]
	Shear       float64 `json:"shear,omitempty"`      // sideways, of the distance from the middle row; in [0, 1]
	Flip        string  `json:"flip,omitempty"`       // FlipHorizontal, FlipVertical or FlipBoth, each of every second image
	Brightness  float64 `json:"brightness,omitempty"` // added, either way; in [0, 0.9]
	Contrast    float64 `json:"contrast,omitempty"`   // distance from the image's mean, times 1-Contrast to 1+Contrast; in [0, 0.9]
	Noise       float64 `json:"noise,omitempty"`      // sd of normal noise, of every value; in [0, 0.5]
	Cutout      float64 `json:"cutout,omitempty"`     // edges of a rectangle anywhere that becomes the image's mean; in [0, 0.75]
	Probability float64 `json:"probability"`          // share of the images that are changed at all, in (0, 1]
}

// ClassWeights say how much each image's loss counts, by its class.
type ClassWeights struct {
	Balanced bool               `json:"balanced,omitempty"` // images / (classes x images of the class), of the training images
	Named    map[string]float64 `json:"named,omitempty"`    // by class name, or # and its number, > 0; 1 for the others
}

// Equal says whether the recipes are the same.
func (r Recipe) Equal(other Recipe) bool { return reflect.DeepEqual(r, other) }

// OrderSeed is the seed of what a training of the seed sees: the order of its
// images and how they are augmented.
func (r Recipe) OrderSeed(seed int64) int64 {
	if r.Order == Shared {
		return 0
	}
	return seed
}

// Teacher is a trained network whose soft outputs join the labels.
type Teacher struct {
	Run         string  `json:"run"`         // the trained configuration's ID and seed, "config-id/seed-n"
	Digest      string  `json:"digest"`      // SHA-256 of its weights
	Temperature float64 `json:"temperature"` // > 0
	Weight      float64 `json:"weight"`      // share of the soft loss, in [0, 1]
}

// Values of the recipe's named settings.
const (
	Adam     = "adam"
	SGD      = "sgd"
	Momentum = "momentum"
	Adadelta = "adadelta"

	Constant    = "constant"
	Cosine      = "cosine"
	Stepwise    = "step"
	Exponential = "exponential"

	InitPaper  = "paper"  // weights: truncated normal, sd 0.1; biases: 0.1 (the author's scripts)
	InitHe     = "he"     // weights: truncated normal, sd sqrt(2/fan-in); biases: 0
	InitGlorot = "glorot" // weights: uniform, limit sqrt(6/(fan-in + fan-out)); biases: 0

	Float32  = "float32"
	BFloat16 = "bfloat16"
	TF32     = "tf32" // float32 whose products a GPU may take to 10 bits of mantissa; a CPU computes float32

	Int8 = "int8"

	Best = "best" // by validation

	FlipHorizontal = "horizontal" // left and right change places
	FlipVertical   = "vertical"
	FlipBoth       = "both"

	PerSeed = "per_seed" // each seed has its own order of images
	Shared  = "shared"   // all seeds see the images in one order; init and dropout still differ
)

// DefaultRecipe is the paper's: Adam at 1e-4, batch 50, 20,000 steps, and
// TensorFlow's epsilon of 1e-8.
func DefaultRecipe() Recipe {
	return Recipe{
		Optimizer: Adam, Momentum: 0.9, Epsilon: 1e-8, LearningRate: 1e-4, Schedule: Constant,
		Batch: 50, Steps: 20000, Init: InitPaper, Precision: Float32, Order: PerSeed,
	}
}
