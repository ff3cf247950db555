// Package dataset finds, checks and reads labelled images: the known sets
// (MNIST, Fashion-MNIST, CIFAR-10) and the user's own idx files, CIFAR binary
// files or folders of PNG, JPEG, BMP, GIF and WebP pictures, told by content. Shapes, channels and classes come from
// the data. It also gives the order in which training sees the images.
//
//  1. Describe says what a Ref stands for, from the registry or from the headers
//     of the user's files: shape, classes, sizes, and the digest that goes into
//     a configuration's identity.
//  2. Verify checks a known set in the cache: sizes and SHA-256. Package
//     dataset/fetch puts it there, from the first source that answers.
//  3. Load reads the images as bytes, [n, h, w, c], splits them into training,
//     validation and test parts, and resizes pictures where that was asked.
//  4. Order is the order in which training sees them: a permutation an epoch,
//     from the seed alone.
//  5. ReadImages reads loose pictures, for prediction.
package dataset
