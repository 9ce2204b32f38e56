/* The geometry of a sliding window (convolution, pooling), shared by the families that have one. */
#ifndef KERNELS_WINDOW_H
#define KERNELS_WINDOW_H

struct window {
    int in_height, in_width;
    int out_height, out_width;
    int kernel_height, kernel_width;
    int stride_y, stride_x;
    int pad_top, pad_left; /* bottom and right padding follow from the output size */
    int dilation_y, dilation_x;
};

#endif
